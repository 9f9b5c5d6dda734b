import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf } from '../../../plugins/auth-email/message.ts'
import { instance } from './walk.ts'

const link = new URL('https://gate.example.test/sign-in/email/visit?attempt=a&token=t')

function message(changes: Partial<Parameters<typeof messageOf>[1]> = {}) {
  const { world } = instance()
  return messageOf(world.context, {
    to: 'ada@example.org',
    purpose: 'sign-in',
    locale: 'en',
    issued: { code: '012345', token: 't', ends: new Date('2030-01-02T03:14:05Z') },
    link,
    network: '192.0.2.7',
    client: 'Atlas Viewer',
    ...changes,
  })
}

test('text and HTML both carry code, link, who asked, for what, and until when', () => {
  const { text, html, subject } = message()
  assert.equal(subject, 'Sign in to Example Lab')
  for (const part of ['012 345', '192.0.2.7', 'Atlas Viewer', '03:14 UTC (10 minutes)', 'If it was not you'])
    for (const body of [text, html]) assert.ok(body.includes(part), part)
  assert.ok(text.includes(`\n${link.href}\n`))
  assert.ok(html.includes(`href="${link.href.replace('&', '&amp;')}"`))
})

test('the HTML fetches nothing and is dark where the reader is', () => {
  const { html } = message()
  assert.doesNotMatch(html, /<(?:img|link|script|iframe)|url\(|@import/i)
  assert.match(html, /prefers-color-scheme: dark/)
})

test('launchpad 2.2: the code is not in the subject', () => {
  assert.doesNotMatch(message().subject, /\d/)
})

test('names of services cannot bring markup, lines or turned text into the mail', () => {
  const { text, html } = message({ client: '<b onclick="x">Evil</b>\r\nBcc: x\u202egnp' })
  assert.ok(html.includes('&lt;b onclick=&quot;x&quot;&gt;Evil&lt;/b&gt; Bcc: x gnp'))
  assert.doesNotMatch(html, /<b /)
  assert.doesNotMatch(text, /^Bcc|\u202e/m)
})

test('adding an address to an account has words of its own', () => {
  assert.match(message({ purpose: 'link' }).subject, /Add this address/)
})

test('without a service the mail does not speak of one', () => {
  assert.match(message({ client: undefined }).text, /^Asked for from 192\.0\.2\.7\.$/m)
})

test('the hour is written as the language writes it, and an unknown language as English', () => {
  assert.match(message({ locale: 'de' }).text, /03:14 UTC/)
  assert.match(message({ locale: 'en-US' }).text, /03:14 AM UTC/)
  assert.match(message({ locale: '../x' }).text, /03:14 UTC/)
  assert.match(message({ locale: '"><script>' }).html, /lang="&quot;&gt;&lt;script&gt;"/)
})
