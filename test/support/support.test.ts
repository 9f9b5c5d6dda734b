import assert from 'node:assert/strict'
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { after, before, suite, test } from 'node:test'
import { createTransport } from 'nodemailer'
import { Agent, fetch } from 'undici'
import { axe, openBrowser, sidewaysScroll, viewSwitch, views } from './browser.ts'
import { startCaddy } from './caddy.ts'
import { startExim } from './exim.ts'
import type { Front } from './front.ts'
import { needs } from './needs.ts'
import { startNginx } from './nginx.ts'
import { startProgram } from './program.ts'

const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Try</title><main><h1>Try</h1>CONTENT</main></html>`

suite('stand-ins', () => {
  let server: Server
  let upstream: string
  let seen: IncomingHttpHeaders = {}

  before(async () => {
    server = createServer((request, response) => {
      seen = request.headers
      response.setHeader('content-type', 'text/html')
      response.setHeader('content-security-policy', "default-src 'none'")
      response.end(page.replace('CONTENT', request.url === '/bad' ? '<img src="x">' : '<p>Fine</p>'))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    upstream = `http://127.0.0.1:${address.port}`
  })

  after(() => {
    server.closeAllConnections()
    server.close()
  })

  const fronts = { nginx: startNginx, caddy: startCaddy }
  for (const [name, start] of Object.entries(fronts)) {
    test(`${name} ends TLS and says so`, { skip: needs(name as keyof typeof fronts, 'openssl') }, async () => {
      const front = await start({ upstream })
      try {
        await passesThrough(front, () => seen)
      } finally {
        await front.close()
      }
      await assert.rejects(fetch(front.origin))
    })
  }

  test('an open page becomes one of a phone and of a desk again', { skip: needs('chromium') }, async () => {
    const browser = await openBrowser()
    try {
      const tab = await browser.newPage()
      const lookAs = await viewSwitch(tab)
      // Without words of its own on the width a page is laid out for a desk, and a phone shows it small.
      const wide = '<!doctype html><title>wide</title>'
      const fitting = `${wide}<meta name="viewport" content="width=device-width">`
      const width = async (html: string) => {
        await tab.goto(`data:text/html,${html}`)
        const widths: unknown[] = []
        for (const view of ['desktop', 'phone', 'desktop'] as const) {
          await lookAs(view)
          widths.push(await tab.evaluate('[document.documentElement.clientWidth, navigator.maxTouchPoints > 0].join()'))
        }
        return widths
      }
      assert.deepEqual(await width(fitting), ['1280,false', '360,true', '1280,false'])
      assert.deepEqual(await width(wide), ['1280,false', '980,true', '1280,false'])
    } finally {
      await browser.close()
    }
  })

  test('axe sees a picture without a text, under a strict policy, and nothing on a good page', {
    skip: needs('chromium'),
  }, async () => {
    const browser = await openBrowser()
    try {
      const tab = await browser.newPage({ ...views.phone, ...views.dark })
      await tab.goto(`${upstream}/good`)
      assert.deepEqual(await axe(tab), [])
      assert.equal(await sidewaysScroll(tab), 0)
      await tab.goto(`${upstream}/bad`)
      assert.match((await axe(tab)).join('\n'), /^image-alt \(critical\)/m)
      await assert.rejects(tab.goto('http://example.org/'), /ERR_NAME_NOT_RESOLVED/)
    } finally {
      await browser.close()
    }
  })
})

async function passesThrough(front: Front, seen: () => IncomingHttpHeaders): Promise<void> {
  assert.ok(front.ca !== undefined)
  const dispatcher = new Agent({ connect: { ca: front.ca } })
  const answer = await fetch(front.origin, { dispatcher, headers: { 'x-forwarded-proto': 'gopher' } })
  assert.match(await answer.text(), /Fine/)
  assert.equal(seen().host, new URL(front.origin).host)
  assert.equal(seen()['x-forwarded-proto'], 'https')
  assert.equal(seen()['x-forwarded-for'], '127.0.0.1')
  await dispatcher.close()
  await assert.rejects(fetch(front.origin), 'the certificate is trusted by nobody else')
}

suite('mail server', { skip: needs('exim', 'openssl') }, () => {
  for (const security of ['starttls', 'tls'] as const) {
    test(`delivers over ${security} to those who sign in, and refuses full@ and later@`, async () => {
      const exim = await startExim({ users: { robot: 'pass word' }, security })
      const transport = (pass: string) =>
        createTransport({
          host: exim.host,
          port: exim.port,
          secure: security === 'tls',
          requireTLS: true,
          auth: { user: 'robot', pass },
          tls: { ca: exim.ca },
        })
      const mail = { from: 'gate@example.test', subject: 'Hello', text: 'Good day' }
      try {
        await transport('pass word').sendMail({ ...mail, to: 'ada@example.test' })
        const [message] = await exim.delivered(1)
        assert.match(message ?? '', /^Subject: Hello$/m)
        await assert.rejects(transport('wrong').sendMail({ ...mail, to: 'ada@example.test' }), { responseCode: 535 })
        await assert.rejects(transport('pass word').sendMail({ ...mail, to: 'full@example.test' }), {
          responseCode: 550,
        })
        await assert.rejects(transport('pass word').sendMail({ ...mail, to: 'later@example.test' }), {
          responseCode: 451,
        })
        await assert.rejects(transport('pass word').sendMail({ ...mail, to: 'a@elsewhere.test' }), {
          responseCode: 550,
        })
        assert.equal((await exim.mailbox()).length, 1)
      } finally {
        await exim.close()
      }
      await assert.rejects(access(exim.caFile), { code: 'ENOENT' })
    })
  }
})

test('a program that ends at once is reported with what it printed', async () => {
  const start = { command: process.execPath, args: ['-e', 'console.log("no such luck"); process.exit(3)'], port: 1 }
  await assert.rejects(startProgram(start), /ended with 3\nno such luck/)
})
