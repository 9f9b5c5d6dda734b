import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, formOf, instance } from './walk.ts'

const hostile = [
  'ada@example.org,eve@evil.example',
  'ada@example.org;eve@evil.example',
  '"eve@evil.example"@example.org',
  'eve@evil.example＠example.org',
  'ada@example.org\r\nBcc: eve@evil.example',
  'Ada <ada@example.org>',
  'ada@[192.0.2.1]',
  'ada%evil.example@example.org',
  'ada',
  '',
]
// What a pattern lets through whose dot stands for any character, or that looks for no more than an at-sign.
const unescaped = ['ada@exampleXorg', 'ada@localhost', 'ada@example.', 'a@b@c.d', 'ada@example.org?x=y', 'ada@1.2.3.4']
const refused = [
  ...hostile.map((email) => ({ number: '', email })),
  ...unescaped.map((email) => ({ number: 'datalab 1.7.4: ', email })),
]

for (const { number, email } of refused)
  test(`${number}${JSON.stringify(email)} gets the form again and no mail`, async () => {
    const at = instance()
    const form = formOf(await at.method.begin(ask({ email }), at.world.attempt()))
    assert.match(form.error ?? '', /does not look like an e-mail address/)
    assert.equal(at.world.mails.length, 0)
  })

const lists = [
  { config: {}, yes: ['example.org', 'any.example'], no: [] },
  {
    config: { domains: ['example.org'] },
    yes: ['example.org', 'EXAMPLE.org'],
    no: ['sub.example.org', 'evilexample.org', 'example.org.evil.example'],
  },
  {
    config: { domains: ['*.example.org'] },
    yes: ['a.example.org', 'a.b.example.org'],
    no: ['example.org', 'evilexample.org'],
  },
  { config: { domains: ['Bücher.example'] }, yes: ['bücher.example', 'xn--bcher-kva.example'], no: ['bucher.example'] },
  { config: { emailDomainAllowList: null }, yes: ['any.example'], no: [] },
  {
    config: { emailDomainAllowList: ['example.org'] },
    yes: ['example.org', 'a.example.org'],
    no: ['evilexample.org', 'org.example'],
  },
  { config: { emailDomainAllowList: [] }, yes: [], no: ['example.org'] },
]

const numberOf = (no: readonly string[]) => (no.includes('evilexample.org') ? 'datalab 1.7.3: ' : '')

for (const { config, yes, no } of lists)
  test(`${numberOf(no)}${JSON.stringify(config)} lets ${yes.join(', ') || 'nobody'} in${no.length ? ` and not ${no.join(', ')}` : ''}`, async () => {
    const at = instance({ config })
    for (const domain of yes) await at.method.begin(ask({ email: `ada@${domain}` }), at.world.attempt())
    assert.equal(at.world.mails.length, yes.length)
    for (const domain of no) {
      const form = formOf(await at.method.begin(ask({ email: `ada@${domain}` }), at.world.attempt()))
      assert.match(form.error ?? '', /cannot be used here/)
      assert.equal(form.fields[0]?.value, `ada@${domain}`)
    }
    assert.equal(at.world.mails.length, yes.length)
  })

test('an empty emailDomainAllowList hides the card', () => {
  const card = instance({ config: { emailDomainAllowList: [] } }).method.card({ locale: 'en' })
  assert.deepEqual(card, { hidden: 'no domain may sign in by e-mail: emailDomainAllowList is empty' })
})

test('both lists at once, and an entry that is no domain, stop the start', () => {
  for (const config of [
    { domains: ['example.org'], emailDomainAllowList: null },
    { domains: ['example.org'], emailDomainAllowList: [] },
    { domains: ['*'] },
    { domains: ['*.*.example.org'] },
    { domains: ['ada@example.org'] },
    { emailDomainAllowList: ['*.example.org'] },
  ])
    assert.throws(
      () => instance({ config }),
      { code: 'ERR_CONFIG', message: /plugins\.email\.config/ },
      JSON.stringify(config),
    )
})
