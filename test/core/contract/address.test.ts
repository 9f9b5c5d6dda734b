import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAddress, parseDomain } from '@labgate/contract'
import fc from '../../support/chance.ts'

test('parseAddress keeps the local part and lower-cases the domain', () => {
  assert.deepEqual(parseAddress('Alice.O+lab@Example.ORG'), {
    local: 'Alice.O+lab',
    domain: 'example.org',
    address: 'Alice.O+lab@example.org',
  })
})

test('parseAddress turns an internationalised domain into punycode and full-width letters into ASCII', () => {
  assert.equal(parseAddress('ada@bücher.example')?.domain, 'xn--bcher-kva.example')
  assert.equal(parseAddress('ａｄａ＠example.org')?.address, 'ada@example.org')
})

const hostile = [
  '',
  'alice',
  '@example.org',
  'alice@',
  'alice@example.org,bob@example.org',
  'alice@example.org;bob@example.org',
  'alice@example.org bob@example.org',
  'alice@evil.example@example.org',
  'alice＠evil.example@example.org',
  'alice@example.org＠evil.example',
  '"alice@evil.example"@example.org',
  '"alice"@example.org',
  'Alice <alice@example.org>',
  '<alice@example.org>',
  'alice@example.org\r\nBcc: bob@example.org',
  'alice\0@example.org',
  'alice@example.org\0',
  ' alice@example.org',
  'alice@ example.org',
  'alice\t@example.org',
  'alice\u200b@example.org',
  'alice@exam\u00adple.org',
  'alice@[127.0.0.1]',
  'alice@127.0.0.1',
  'alice@127.1',
  'alice@0x7f.1',
  'alice@2130706433',
  'alice@[IPv6:::1]',
  'alice@localhost',
  'alice@example.org.',
  'alice@.example.org',
  'alice@example..org',
  'alice@-example.org',
  'alice@example.org/evil.example',
  'alice@example.org:25',
  'alice@example.org#x',
  'alice@example.org?x',
  'alice@ex%61mple.org',
  'alice@exam_ple.org',
  '.alice@example.org',
  'alice.@example.org',
  'al..ice@example.org',
  'alice%evil.example@example.org',
  'evil.example!alice@example.org',
  'alice(comment)@example.org',
  'al\\ice@example.org',
  'älice@example.org',
  'аlice@example.org',
  `${'a'.repeat(65)}@example.org`,
  `a@${`${'b'.repeat(60)}.`.repeat(5)}example`,
  `a@${'b'.repeat(64)}.example`,
]

for (const text of hostile)
  test(`parseAddress refuses ${JSON.stringify(text).slice(0, 60)}`, () => {
    assert.equal(parseAddress(text), undefined)
  })

test('parseAddress of what it answered is the same, and holds one at-sign and no control', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.emailAddress())
  fc.assert(
    fc.property(text, (value) => {
      const found = parseAddress(value)
      if (!found) return
      assert.deepEqual(parseAddress(found.address), found)
      assert.match(found.address, /^[!-~]+$/)
      assert.equal(found.address.split('@').length, 2)
    }),
    { numRuns: 500 },
  )
})

test('parseDomain refuses addresses, wildcards and names without a dot', () => {
  for (const text of ['', 'org', '*.example.org', '10.0.0.1', 'a b.org', 'exa/mple.org', 'user@example.org'])
    assert.equal(parseDomain(text), undefined, text)
  assert.equal(parseDomain('Sub.Example.org'), 'sub.example.org')
})
