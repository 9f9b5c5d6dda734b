import assert from 'node:assert/strict'
import { test } from 'node:test'
import { secretOf } from '@labgate/contract'
import { simpleParser } from 'mailparser'
import { createMail } from '../../../core/mail/mail.ts'
import { startExim } from '../../support/exim.ts'
import { needs } from '../../support/needs.ts'
import { ask, instance, next, refusalOf, reply } from './walk.ts'

test('code and link arrive through a real mail server and sign in; a refused recipient is told what to do', {
  skip: needs('exim', 'openssl'),
}, async (t) => {
  const exim = await startExim({ users: { mailer: 'right-one' } })
  t.after(() => exim.close())
  const { host, port, caFile: ca } = exim
  const smtp = { host, port, security: 'starttls', username: 'mailer', password: secretOf('right-one'), ca } as const
  const { world } = instance()
  const { clock, log } = world.context
  const mail = createMail({
    config: { from: { address: 'gate@example.test' }, smtp },
    clock,
    log,
    siteName: 'Café Lab',
  })
  t.after(() => mail.close())
  const at = instance({ send: (message) => mail.send(message) })

  const [typing, clicking] = [at.world.attempt(), at.world.attempt()]
  await at.method.begin(ask({ email: 'ada@example.test' }), typing)
  await at.method.begin(ask({ email: 'bob@example.test' }), clicking)
  const letters = await Promise.all((await exim.delivered(2)).map((raw) => simpleParser(raw)))
  const letterTo = (name: string) =>
    letters.find(({ to }) => [to].flat()[0]?.value[0]?.address === `${name}@example.test`)

  const [, code = ''] = /^ {4}(\d{3} \d{3})$/m.exec(letterTo('ada')?.text ?? '') ?? []
  const typed = await next(at, reply({ code }), typing)
  assert.equal('done' in typed && typed.done.subject, 'ada@example.test')

  const bob = letterTo('bob')
  const [, href = ''] = /<a href="([^"]+)"/.exec(String(bob?.html)) ?? []
  const url = new URL(href.replaceAll('&amp;', '&'))
  assert.ok(bob?.text?.includes(`\n${url.href}\n`), 'the same link in text and HTML')
  const clicked = await next(at, reply({}, { via: 'visit', url }), clicking)
  assert.equal('done' in clicked && clicked.done.subject, 'bob@example.test')

  for (const email of ['full@example.test', 'later@example.test', 'ada@elsewhere.test']) {
    const refusal = refusalOf(await at.method.begin(ask({ email }), at.world.attempt()))
    assert.equal(refusal.reason, 'failed', email)
  }
})
