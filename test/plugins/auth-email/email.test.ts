import assert from 'node:assert/strict'
import { test } from 'node:test'
import plugin from '@labgate/auth-email'
import { Fault } from '@labgate/contract'
import { ask, begun, codeOf, formOf, instance, linkOf, next, refusalOf, reply, visit, wrongCode } from './walk.ts'

const assertion = {
  issuer: 'mailto:',
  subject: 'ada@example.org',
  facts: [{ claim: 'email', value: 'ada@example.org', trust: 'verified' }],
  amr: ['otp'],
}

test('the card asks for the address, and begin() without one asks for it with the login hint filled in', async () => {
  const { world, method } = instance()
  const card = method.card({ locale: 'en' })
  assert.ok('form' in card)
  assert.deepEqual(
    card.form?.fields.map(({ name, type, autocomplete }) => [name, type, autocomplete]),
    [['email', 'email', 'email']],
  )
  const form = formOf(await method.begin(ask({ loginHint: 'ada@example.org' }), world.attempt()))
  assert.equal(form.fields[0]?.value, 'ada@example.org')
  assert.equal(world.mails.length, 0)
})

test('the typed code signs in with the lower-case address as subject and the verified e-mail as fact', async () => {
  const at = instance()
  const attempt = await begun(at, { email: ' Ada@Example.ORG ' })
  assert.equal(at.world.mails[0]?.to, 'ada@example.org')
  const step = await next(at, reply({ code: codeOf(at) }), attempt)
  assert.deepEqual(step, { done: { ...assertion, at: at.world.context.clock.now() } })
  assert.deepEqual(at.method.issuers, ['mailto:'])
})

test('a code is taken with spaces, hyphens and full-width digits', async () => {
  const at = instance()
  const attempt = await begun(at)
  const code = codeOf(at)
  const wide = [...code].map((digit) => String.fromCodePoint(0xff10 + Number(digit))).join(' ')
  assert.ok('done' in (await next(at, reply({ code: ` ${wide.slice(0, 5)}-${wide.slice(5)} ` }), attempt)))
})

test('an address typed into the form of begin() is mailed from next(), naming the service kept by the attempt', async () => {
  const at = instance()
  const attempt = at.world.attempt()
  const asked = await at.method.begin(ask(), attempt)
  assert.ok('keep' in asked)
  const step = await next(at, reply({ email: 'ada@example.org' }), { ...attempt, kept: asked.keep })
  assert.equal(formOf(step).fields[0]?.autocomplete, 'one-time-code')
  assert.match(at.world.mails[0]?.text ?? '', /go on to Atlas Viewer\./)
})

test('the link signs in by the button of its page in the same browser', async () => {
  const at = instance()
  const attempt = await begun(at)
  const url = linkOf(at)
  assert.equal(url.searchParams.get('attempt'), attempt.id)
  const page = await visit(at, { url, sameBrowser: true, attempt })
  assert.match(page.text.join(), /ada@example\.org/)
  assert.deepEqual(page.form, { fields: [], submit: 'Sign in' })
  const step = await next(at, reply({}, { via: 'visit', url }), attempt)
  assert.deepEqual(step, { done: { ...assertion, at: at.world.context.clock.now() } })
})

test('the link in another browser says to type the code and shows neither address nor button', async () => {
  const at = instance()
  const attempt = await begun(at)
  const page = await visit(at, { url: linkOf(at), sameBrowser: false, attempt })
  assert.equal(page.form, undefined)
  assert.match(page.text.join(' '), /type the six-digit code/)
  assert.doesNotMatch(JSON.stringify(page), /ada@/)
})

test('datalab 1.7.7: looking at the link a hundred times and fetching its button with GET or HEAD uses nothing up', async () => {
  const at = instance()
  const attempt = await begun(at)
  const url = linkOf(at)
  const before = JSON.stringify(at.world.store.history)
  for (let i = 0; i < 100; i++) await visit(at, { url, sameBrowser: i % 2 === 0, attempt })
  assert.equal(refusalOf(await next(at, reply({}, { via: 'visit', url, method: 'GET' }), attempt)).reason, 'denied')
  assert.equal(JSON.stringify(at.world.store.history), before)
  assert.ok('done' in (await next(at, reply({}, { via: 'visit', url }), attempt)))
})

test('datalab 1.7.14: a link with a wrong, missing or foreign token shows that it is over, and its button gives nothing', async () => {
  const at = instance()
  const attempt = await begun(at)
  const right = linkOf(at)
  await begun(at, { email: 'eve@example.org' })
  const foreign = linkOf(at)
  const missing = new URL(right)
  missing.searchParams.delete('token')
  const empty = new URL(right)
  empty.searchParams.set('token', '')
  for (const url of [foreign, missing, empty]) {
    assert.equal((await visit(at, { url, sameBrowser: true, attempt })).title, 'This link no longer works')
    assert.equal(refusalOf(await next(at, reply({}, { via: 'visit', url }), attempt)).reason, 'expired')
  }
  assert.ok('done' in (await next(at, reply({}, { via: 'visit', url: right }), attempt)))
})

test('the token of a link is not taken as a code, nor a code as a token', async () => {
  const at = instance()
  const attempt = await begun(at)
  const url = linkOf(at)
  const token = url.searchParams.get('token') ?? ''
  formOf(await next(at, reply({ code: token }), attempt))
  url.searchParams.set('token', codeOf(at))
  assert.ok('no' in (await next(at, reply({}, { via: 'visit', url }), attempt)))
})

test('datalab 1.7.2: code and link are used up together: neither signs in a second time', async () => {
  const at = instance()
  const attempt = await begun(at)
  const [code, url] = [codeOf(at), linkOf(at)]
  assert.ok('done' in (await next(at, reply({ code }), attempt)))
  assert.ok('no' in (await next(at, reply({ code }), attempt)))
  assert.ok('no' in (await next(at, reply({}, { via: 'visit', url }), attempt)))
  assert.equal((await visit(at, { url, sameBrowser: true, attempt })).tone, 'warning')
})

test('datalab 1.7.2: of twenty posts of the right code at once exactly one is done', async () => {
  const at = instance()
  const attempt = await begun(at)
  const code = codeOf(at)
  const steps = await Promise.all(Array.from({ length: 20 }, () => next(at, reply({ code }), attempt)))
  assert.equal(steps.filter((step) => 'done' in step).length, 1)
  assert.equal(steps.filter((step) => 'no' in step).length, 19)
})

test('datalab 1.7.2: of ten presses of the link’s button at once exactly one is done', async () => {
  const at = instance()
  const attempt = await begun(at)
  const url = linkOf(at)
  const steps = await Promise.all(Array.from({ length: 10 }, () => next(at, reply({}, { via: 'visit', url }), attempt)))
  assert.equal(steps.filter((step) => 'done' in step).length, 1)
})

test('a code works for ten minutes and not a second longer', async () => {
  const at = instance()
  const [early, late] = [await begun(at, { email: 'a@example.org' }), await begun(at, { email: 'b@example.org' })]
  const [lateCode, url] = [codeOf(at), linkOf(at)]
  at.world.clock.advance(599)
  formOf(await next(at, reply({ code: '12345' }), early))
  at.world.clock.advance(1)
  assert.equal(refusalOf(await next(at, reply({ code: lateCode }), late)).reason, 'expired')
  assert.equal((await visit(at, { url, sameBrowser: true, attempt: late })).title, 'This link no longer works')
})

test('launchpad 2.2: a code belongs to its attempt: typed at another one it is wrong', async () => {
  const at = instance()
  const mine = await begun(at, { email: 'ada@example.org' })
  const code = codeOf(at)
  const theirs = await begun(at, { email: 'eve@example.org' })
  if (codeOf(at) !== code) formOf(await next(at, reply({ code }), theirs))
  assert.ok('done' in (await next(at, reply({ code }), mine)))
})

test('another instance does not take the code', async () => {
  const [one, two] = [instance(), instance()]
  const attempt = await begun(one)
  assert.ok('no' in (await next(two, reply({ code: codeOf(one) }), attempt)))
})

test('a visit of an attempt that is over, or never was, says so', async () => {
  const at = instance()
  const page = await visit(at, { url: new URL('https://gate.example/x'), sameBrowser: true, attempt: undefined })
  assert.equal(page.title, 'This link no longer works')
  assert.equal(page.form, undefined)
})

test('datalab 1.7.14: a resent code replaces the code and the link before it', async () => {
  const at = instance()
  const attempt = await begun(at)
  const [oldCode, oldLink] = [codeOf(at), linkOf(at)]
  const form = formOf(await next(at, reply({ step: 'resend', code: '' }), attempt))
  assert.match(form.intro?.join(' ') ?? '', /new code to ada@example\.org/)
  assert.equal((await visit(at, { url: oldLink, sameBrowser: true, attempt })).tone, 'warning')
  if (codeOf(at) !== oldCode) formOf(await next(at, reply({ code: oldCode }), attempt))
  assert.ok('done' in (await next(at, reply({ code: codeOf(at) }), attempt)))
})

test('an address can be changed in mid-way, and the code of the first one then works no more', async () => {
  const at = instance()
  const attempt = await begun(at, { email: 'typo@example.org' })
  const first = codeOf(at)
  assert.equal(formOf(await next(at, reply({ step: 'address', code: '' }), attempt)).fields[0]?.name, 'email')
  await next(at, reply({ email: 'ada@example.org' }), attempt)
  if (codeOf(at) !== first) formOf(await next(at, reply({ code: first }), attempt))
  const step = await next(at, reply({ code: codeOf(at) }), attempt)
  assert.ok('done' in step)
  assert.equal(step.done.subject, 'ada@example.org')
})

test('a callback ends in no', async () => {
  const at = instance()
  const attempt = await begun(at)
  assert.ok('no' in (await next(at, reply({ code: codeOf(at) }, { via: 'callback', method: 'GET' }), attempt)))
})

test('launchpad 2.2: mail that cannot be sent ends in a refusal that says what to do, and its code is void', async () => {
  let sent = ''
  const at = instance({
    send: async ({ text }) => {
      sent = text
      throw new Fault('ERR_MAIL', 'mail: the server did not take the message')
    },
  })
  const attempt = at.world.attempt()
  const refusal = refusalOf(await at.method.begin(ask({ email: 'ada@example.org' }), attempt))
  assert.equal(refusal.reason, 'failed')
  assert.match(refusal.message, /check the address and try again/)
  const code = /^ {4}(\d{3} \d{3})$/m.exec(sent)?.[1] ?? ''
  assert.equal(refusalOf(await next(at, reply({ code }), attempt)).reason, 'expired')
})

test('a bug in the mail is thrown on, not shown as a failed delivery', async () => {
  const at = instance({ send: () => Promise.reject(new TypeError('bug')) })
  await assert.rejects(at.method.begin(ask({ email: 'ada@example.org' }), at.world.attempt()), TypeError)
})

test('launchpad 2.2, datalab 1.7.2: neither log nor store ever holds a code or a token', async () => {
  const at = instance()
  const attempt = await begun(at)
  const secrets = [codeOf(at), linkOf(at).searchParams.get('token') ?? '']
  await next(at, reply({ code: wrongCode(at) }), attempt)
  await next(at, reply({ step: 'resend' }), attempt)
  secrets.push(codeOf(at), linkOf(at).searchParams.get('token') ?? '')
  await next(at, reply({ code: codeOf(at) }), attempt)
  const seen = JSON.stringify([at.world.store.history, at.world.store.entries(), at.world.logs])
  for (const secret of secrets) assert.ok(!seen.includes(secret), 'a secret was kept')
  assert.ok(seen.includes('codeHash'))
})

test('create() refuses a lifetime beyond that of an attempt', () => {
  assert.throws(() => instance({ config: { codeLifetime: '11m' } }), { code: 'ERR_CONFIG', message: /at most 10m/ })
})

test('every text has English words for each of its keys, none empty', () => {
  for (const [key, words] of Object.entries(plugin.text.en)) assert.ok(words.length > 3, key)
})
