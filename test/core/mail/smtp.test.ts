import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { after, before, suite, test } from 'node:test'
import { inspect } from 'node:util'
import { type Fault, isFault, secretOf } from '@labgate/contract'
import { type ParsedMail, simpleParser } from 'mailparser'
import type { SmtpConfig } from '../../../core/mail/letter.ts'
import { createMail } from '../../../core/mail/mail.ts'
import { type Exim, startExim } from '../../support/exim.ts'
import { needs } from '../../support/needs.ts'
import { message, needsOf } from './letters.ts'

const from = { address: 'gate@example.test' }
const password = 'right-one'

async function faultOf(work: Promise<unknown>): Promise<Fault> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(isFault(error), `a fault, got ${inspect(error)}`)
  assert.equal(error.code, 'ERR_MAIL')
  return error
}

function mailTo(smtp: SmtpConfig, timeoutSeconds?: number) {
  const { needs, logged } = needsOf({ from, smtp }, timeoutSeconds)
  return { mail: createMail(needs), logged }
}

for (const security of ['starttls', 'tls'] as const)
  suite(`Exim with ${security}`, { skip: needs('exim', 'openssl') }, () => {
    let exim: Exim
    let base: SmtpConfig
    before(async () => {
      exim = await startExim({ users: { mailer: password }, security })
      const { host, port, caFile: ca } = exim
      base = { host, port, security, username: 'mailer', password: secretOf(password), ca }
    })
    after(() => exim.close())

    test('takes a message with names, text and HTML as they were written, from one sender to one recipient', async () => {
      const { mail, logged } = mailTo(base)
      await mail.verify()
      await mail.send(message)
      mail.close()
      const [raw = ''] = await exim.delivered(1)
      const read: ParsedMail = await simpleParser(raw)
      assert.equal(read.subject, message.subject)
      assert.deepEqual(read.from?.value, [{ name: 'Labor Grün', address: 'gate@example.test' }])
      assert.deepEqual([read.to].flat()[0]?.value, [{ name: '', address: 'ada@example.test' }])
      assert.equal(read.text?.trim(), message.text.trim())
      assert.equal(String(read.html).trim(), message.html)
      assert.match(read.messageId ?? '', /^<[0-9a-f-]{36}@example\.test>$/)
      assert.equal(read.date?.toISOString(), '2030-01-02T03:04:05.000Z')
      assert.equal(read.headers.get('auto-submitted'), 'auto-generated')
      assert.match(raw, /^Envelope-to: ada@example\.test$/m)
      assert.match(raw, /with esmtpsa/)
      assert.ok(JSON.stringify(logged).includes(read.messageId ?? '-'))
      assert.ok(!JSON.stringify(logged).includes('012'))
    })

    test('sends ten messages at once over its pool', async () => {
      const before = (await exim.mailbox()).length
      const { mail } = mailTo(base)
      await Promise.all(Array.from({ length: 10 }, () => mail.send(message)))
      mail.close()
      assert.equal((await exim.delivered(before + 10)).length, before + 10)
    })

    test('a wrong password is a fault that names the setting and never the password', async () => {
      const { mail, logged } = mailTo({ ...base, password: secretOf('wrong-one') })
      const fault = await faultOf(mail.send(message))
      mail.close()
      assert.match(fault.message, /check mail\.smtp\.username and password/)
      assert.equal(fault.detail.responseCode, 535)
      // Exim writes its line after it has answered.
      const refused = /535.*set_id=mailer/
      for (let tries = 0; tries < 100 && !refused.test(await exim.log()); tries++)
        await new Promise((done) => setTimeout(done, 20))
      assert.match(await exim.log(), refused)
      const shown = inspect([fault, fault.cause, logged], { depth: 9, showHidden: true })
      for (const text of ['wrong-one', Buffer.from('\0mailer\0wrong-one').toString('base64')])
        assert.ok(!shown.includes(text))
    })

    test('a certificate of an authority that was not named is refused before the password is said', async () => {
      const { ca: _, ...untrusting } = base
      const logBefore = await exim.log()
      const { mail } = mailTo({ ...untrusting, password: secretOf('wrong-two') })
      const fault = await faultOf(mail.send(message))
      mail.close()
      assert.match(fault.message, /certificate/)
      assert.doesNotMatch((await exim.log()).slice(logBefore.length), /set_id/)
    })

    test('no credentials, a full mailbox (550), a greylisted one (451) and a foreign domain are faults with the server’s answer', async () => {
      const { username: _, password: __, ...anonymous } = base
      const cases = [
        { smtp: anonymous, to: 'ada@example.test', code: 550, answer: /authentication required/ },
        { smtp: base, to: 'full@example.test', code: 550, answer: /mailbox full/ },
        { smtp: base, to: 'later@example.test', code: 451, answer: /greylisted/ },
        { smtp: base, to: 'ada@elsewhere.test', code: 550, answer: /relaying denied/ },
      ]
      for (const { smtp, to, code, answer } of cases) {
        const { mail } = mailTo(smtp)
        const fault = await faultOf(mail.send({ ...message, to }))
        mail.close()
        assert.equal(fault.detail.responseCode, code)
        assert.match(String(fault.detail.response), answer)
      }
    })

    test('after a refused recipient the same mail sends on', async () => {
      const before = (await exim.mailbox()).length
      const { mail } = mailTo(base)
      await faultOf(mail.send({ ...message, to: 'full@example.test' }))
      await mail.send(message)
      mail.close()
      assert.equal((await exim.delivered(before + 1)).length, before + 1)
    })

    test('two addresses in one, or a header in an address, never reach the server', async () => {
      const before = await exim.log()
      const { mail } = mailTo(base)
      for (const to of [
        'ada@example.test,eve@example.test',
        '"eve@example.test"@x.test',
        'ada@example.test\r\nBcc: e@x.test',
      ])
        await faultOf(mail.send({ ...message, to }))
      mail.close()
      assert.equal(await exim.log(), before)
    })

    test('line breaks in a subject become spaces', async () => {
      const count = (await exim.mailbox()).length
      const { mail } = mailTo(base)
      await mail.send({ ...message, subject: 'Code\r\nBcc: eve@example.test' })
      mail.close()
      const raw = (await exim.delivered(count + 1)).at(-1) ?? ''
      const read = await simpleParser(raw)
      assert.equal(read.subject, 'Code Bcc: eve@example.test')
      assert.equal(read.bcc, undefined)
    })
  })

/** A server on loopback that says what it is told to, then nothing. */
async function server(speak: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const listening = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    speak(socket)
  })
  listening.listen(0, '127.0.0.1')
  await once(listening, 'listening')
  const address = listening.address()
  assert.ok(address && typeof address === 'object')
  const close = () => {
    for (const socket of sockets) socket.destroy()
    listening.close()
  }
  return { port: address.port, close }
}

test('a server that offers no STARTTLS gets neither password nor mail', async () => {
  const heard: string[] = []
  const { port, close } = await server((socket) => {
    socket.write('220 plain\r\n')
    socket.on('data', (data) => {
      heard.push(String(data))
      socket.write(String(data).startsWith('EHLO') ? '250-plain\r\n250 AUTH PLAIN\r\n' : '502 no\r\n')
    })
  })
  const { mail } = mailTo({
    host: '127.0.0.1',
    port,
    security: 'starttls',
    username: 'mailer',
    password: secretOf('x-y-z'),
  })
  await faultOf(mail.send(message))
  mail.close()
  close()
  assert.doesNotMatch(heard.join(''), /AUTH|MAIL FROM/)
})

test('a server that says nothing, and one that drips for ever, end in a fault in time', async () => {
  const timers: NodeJS.Timeout[] = []
  for (const speak of [
    () => undefined,
    (socket: Socket) => {
      timers.push(setInterval(() => socket.write('220-still here\r\n'), 50))
    },
  ]) {
    const { port, close } = await server(speak)
    const { mail } = mailTo({ host: '127.0.0.1', port, security: 'none' }, 0.4)
    const begun = performance.now()
    await faultOf(mail.send(message))
    assert.ok(performance.now() - begun < 3000)
    mail.close()
    close()
  }
  timers.forEach(clearInterval)
})

test('a server that echoes the password back does not get it into the fault', async () => {
  const { port, close } = await server((socket) => {
    socket.write('220 echo\r\n')
    socket.on('data', (data) => {
      const line = String(data).trim()
      socket.write(line.startsWith('EHLO') ? '250-echo\r\n250 AUTH PLAIN\r\n' : `535 ${line} echo-me\r\n`)
    })
  })
  const { mail } = mailTo({
    host: '127.0.0.1',
    port,
    security: 'none',
    username: 'mailer',
    password: secretOf('echo-me'),
  })
  const fault = await faultOf(mail.send(message))
  mail.close()
  close()
  const shown = inspect([fault, fault.cause], { depth: 9, showHidden: true })
  assert.match(shown, /535 AUTH PLAIN \*\*\*/)
  for (const text of ['echo-me', Buffer.from('\0mailer\0echo-me').toString('base64')]) assert.ok(!shown.includes(text))
})

test('a port where nobody listens is a fault that says so', async () => {
  const { port, close } = await server(() => undefined)
  close()
  const { mail } = mailTo({ host: '127.0.0.1', port, security: 'none' })
  assert.match((await faultOf(mail.send(message))).message, /ECONNREFUSED.*check mail\.smtp\.host, port/)
  mail.close()
})

test('mail in clear to another machine, and a CA file that is not there, stop the start', () => {
  const clear = { host: 'mail.example.test', port: 25, security: 'none' } as const
  assert.throws(() => mailTo(clear), { code: 'ERR_CONFIG', message: /this machine only/ })
  const lost = { host: 'mail.example.test', port: 587, security: 'starttls', ca: '/nowhere/ca.pem' } as const
  assert.throws(() => mailTo(lost), { code: 'ERR_CONFIG', message: /cannot read \/nowhere\/ca\.pem/ })
})
