/** A log line for the eyes of a person at a terminal. @module */

const leading = new Set(['level', 'time', 'message'])

function shown(value: unknown): string {
  if (typeof value === 'string' && /^[\w./:@-]+$/.test(value)) return value
  return JSON.stringify(value)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not reach a terminal
const control = /[\u0000-\u001f]/g

/** Turns one JSON line into `12:30:05 warn  message  name=value`; what is no JSON stays as it is. */
export function humanLine(line: string): string {
  const fields = parsed(line)
  if (fields === undefined) return line
  const rest = Object.entries(fields).filter(([name]) => !leading.has(name))
  const { level, time, message } = fields
  const words = [String(time).slice(11, 19), String(level).padEnd(5), String(message)]
  const text = [...words, ...rest.map(([name, value]) => `${name}=${shown(value)}`)].join(' ')
  return `${text.replace(control, ' ')}\n`
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}
