/** Networks by the addresses in them, for whoever counts what comes from one place. @module */

/** The network that an address belongs to: a /24 of IPv4 or a /64 of IPv6, in one spelling. What is no address is `unknown`. */
export function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  if (/^(?:\d{1,3}\.){3}\d{1,3}$/.test(plain)) return `${plain.split('.').slice(0, 3).join('.')}.0/24`
  return /^[0-9a-f:.]*$/i.test(plain) && plain.includes(':') ? `${prefix64(plain)}::/64` : 'unknown'
}

function prefix64(address: string): string {
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [before, after] = [groups(head), groups(tail ?? '')]
  // An embedded IPv4 tail counts as two groups, but never lies within the first four.
  const written = before.length + after.length + (address.includes('.') ? 1 : 0)
  const zeros = tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - written) }, () => '0')
  const whole = [...before, ...zeros, ...after].slice(0, 4)
  return whole.map((group) => group.replace(/^0+(?=.)/, '')).join(':')
}
