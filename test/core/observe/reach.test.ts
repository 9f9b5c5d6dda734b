import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, type TestContext, test } from 'node:test'
import type { Finding } from '@labgate/contract'
import { createFetch } from '../../../core/http/egress.ts'
import { type Listening, listen } from '../../../core/http/listen.ts'
import { createReach, lookAtIssuer, withHint } from '../../../core/observe/reach.ts'
import { makeCertificate } from '../../support/certificate.ts'
import { freePort } from '../../support/labgate.ts'
import { needs } from '../../support/needs.ts'
import { keptLog } from '../../support/outer-app.ts'
import { tempFolder } from '../../support/program.ts'

/** Everything that was found. */
async function all(findings: AsyncIterable<Finding>): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for await (const finding of findings) found.push(finding)
  return found
}

const { log } = keptLog()
const now = new Date()
const clock = { now: () => now }
const dayMs = 86_400_000

type Handler = (req: IncomingMessage, res: ServerResponse) => void

/** A guarded fetch with a reach, and a server that it may reach. */
async function world(t: TestContext, handler: Handler, tls?: { cert: Buffer; key: Buffer; ca: string }) {
  const place = { host: '127.0.0.1', port: 0 }
  const server: Listening = await listen({ handler, place, ...(tls ? { tls } : {}) })
  const reach = createReach(clock)
  const fetch = createFetch({ name: 'here', allow: ['localhost'], log, watch: reach, ca: tls?.ca })
  t.after(async () => {
    await fetch.close()
    await server.close({ graceSeconds: 0 })
  })
  return { reach, fetch, origin: `${tls ? 'https' : 'http'}://localhost:${server.port}` }
}

const answers =
  (headers: Record<string, string>): Handler =>
  (_req, res) =>
    void res.writeHead(200, headers).end()

describe('createReach()', () => {
  test('finds a certificate that ends within two weeks, at each host that was reached', {
    skip: needs('openssl'),
  }, async (t) => {
    const folder = await tempFolder()
    t.after(folder.remove)
    const { certFile, keyFile, ca } = await makeCertificate(folder.path)
    const tls = { cert: await readFile(certFile), key: await readFile(keyFile), ca }
    const { reach, fetch, origin } = await world(t, answers({}), tls)
    await (await fetch(origin)).text()
    const [found] = reach.findings('here').filter(({ what }) => what.includes('certificate'))
    assert.match(found?.what ?? '', /^the TLS certificate of localhost is good for [12] more days$/)
    assert.equal(found?.ok, false)
    assert.match(found?.mend ?? '', /^renew it/)
    assert.deepEqual(reach.findings('another'), [])
  })

  test('finds nothing wrong with a certificate that is good for longer', () => {
    const reach = createReach(clock)
    reach.secured({ name: 'a', host: 'id.example.org', validTo: new Date(now.getTime() + 14 * dayMs) })
    assert.deepEqual(reach.findings('a'), [
      { ok: true, what: 'the TLS certificate of id.example.org is good for 14 more days' },
    ])
  })

  test('finds a clock that is more than 30 seconds off, either way', async (t) => {
    let off = 0
    const handler: Handler = (_req, res) => {
      res.setHeader('date', new Date(now.getTime() + off * 1000).toUTCString())
      res.end()
    }
    const { reach, fetch, origin } = await world(t, handler)
    const look = async (seconds: number) => {
      off = seconds
      await (await fetch(origin)).text()
      return reach.findings('here')[0]
    }
    assert.deepEqual(await look(0), { ok: true, what: 'our clock agrees with that of localhost' })
    assert.equal((await look(-29))?.ok, true)
    for (const seconds of [-90, 90]) {
      const found = await look(seconds)
      assert.match(found?.what ?? '', /^our clock and that of localhost are (89|90|91) s apart$/)
      assert.deepEqual([found?.ok, found?.mend?.includes('NTP')], [false, true])
    }
  })

  test('takes the age of a kept answer into account (RFC 9111 §5.1)', async (t) => {
    const date = new Date(now.getTime() - 3_600_000).toUTCString()
    const { reach, fetch, origin } = await world(t, answers({ date, age: '3600' }))
    await (await fetch(origin)).text()
    assert.equal(reach.findings('here')[0]?.ok, true)
  })
})

describe('lookAtIssuer()', () => {
  /** The findings about a server that answers `discovery` and publishes the key k1. */
  async function look(t: TestContext, ask: { discovery: (origin: string, res: ServerResponse) => void; kid?: string }) {
    const { fetch, origin } = await world(t, (req, res) => {
      if (req.url === '/jwks') return void res.end(JSON.stringify({ keys: [{ kid: 'k1' }] }))
      ask.discovery(`http://${req.headers.host}`, res)
    })
    const signingKeys = ask.kid === undefined ? undefined : [ask.kid]
    return all(lookAtIssuer({ issuer: origin, fetch, signingKeys }))
  }
  const wrong = async (...given: Parameters<typeof look>) => (await look(...given)).filter(({ ok }) => !ok)
  const own = (origin: string, res: ServerResponse) =>
    void res.end(JSON.stringify({ issuer: origin, jwks_uri: `${origin}/jwks` }))

  test('finds all well with its own document and keys', async (t) => {
    const found = await look(t, { discovery: own, kid: 'k1' })
    assert.deepEqual(
      found.map(({ ok }) => ok),
      [true, true, true, true],
    )
  })

  test('finds keys that the running server does not publish', async (t) => {
    const [found] = await wrong(t, { discovery: own, kid: 'k2' })
    assert.equal(found?.what, 'it publishes the keys that tokens are signed with')
    assert.match(found?.mend ?? '', /^restart Labgate/)
  })

  test('finds another issuer', async (t) => {
    const discovery = (_: string, res: ServerResponse) => void res.end('{"issuer":"https://other.example"}')
    const [found] = await wrong(t, { discovery, kid: 'k1' })
    assert.match(found?.what ?? '', /^it calls itself https:\/\/other\.example, not http:\/\/localhost/)
    assert.match(found?.mend ?? '', /check `issuer`/)
  })

  for (const [status, mend] of [
    [302, /must be the final address/],
    [502, /the proxy does not reach Labgate/],
    [404, /something else than Labgate/],
    [421, /check `proxies`, and that the proxy passes on Host/],
  ] as const)
    test(`finds an answer with ${status}`, async (t) => {
      const discovery = (_: string, res: ServerResponse) => void res.writeHead(status, { location: '/x' }).end()
      const [found] = await wrong(t, { discovery })
      assert.match(found?.mend ?? '', new RegExp(`it answered ${status}`))
      assert.match(found?.mend ?? '', mend)
    })

  test('finds a page instead of the document', async (t) => {
    const discovery = (_: string, res: ServerResponse) => void res.end('<h1>It works!</h1>')
    const [found] = await wrong(t, { discovery })
    assert.match(found?.mend ?? '', /something else than Labgate answers there/)
  })

  test('finds that nothing listens there', async (t) => {
    const { fetch } = await world(t, answers({}))
    const issuer = `http://localhost:${await freePort()}`
    const found = await all(lookAtIssuer({ issuer, fetch, signingKeys: [] }))
    assert.match(found[1]?.mend ?? '', /ECONNREFUSED.*nothing listens there; is Labgate running/)
  })

  test('finds an issuer that is not https beyond this machine', async (t) => {
    const { fetch } = await world(t, answers({}))
    const found = await all(lookAtIssuer({ issuer: 'http://192.0.2.1', fetch, signingKeys: [] }))
    assert.deepEqual([found[0]?.ok, found[0]?.what], [false, 'the issuer is https'])
    assert.match(found[0]?.mend ?? '', /reverse proxy with TLS/)
  })
})

test('withHint() says what a code of the network means, and leaves other messages alone', () => {
  assert.match(withHint('a could not be reached (CERT_HAS_EXPIRED)'), /: its TLS certificate has expired/)
  assert.match(withHint('a could not be reached (DEPTH_ZERO_SELF_SIGNED_CERT)'), /name it in `tls\.ca`/)
  assert.match(withHint('a could not be reached (ENOTFOUND)'), /check the spelling/)
  assert.equal(withHint('check clientSecret'), 'check clientSecret')
})
