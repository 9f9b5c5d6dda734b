import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { isFault } from '@labgate/contract'
import { createFetch, type EgressNeeds } from '../../../core/http/egress.ts'
import { keptLog } from '../../support/outer-app.ts'
import { freePort } from '../../support/program.ts'

const { log } = keptLog()
const closedPort = await freePort()
const opened: { close(): Promise<void> }[] = []

function guarded(needs: Partial<EgressNeeds> = {}) {
  const made = createFetch({ name: 'auth-test', allow: [], log, ...needs })
  opened.push(made)
  return made
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'no error'
  } catch (error) {
    assert.ok(isFault(error), String(error))
    return error.code
  }
}

describe('createFetch()', () => {
  let hits = 0
  const answers: Record<string, (res: ServerResponse) => void> = {
    '/ok': (res) => res.end('hello'),
    '/away': (res) => res.writeHead(302, { location: '/ok' }).end(),
    '/large': (res) => res.end('x'.repeat(5000)),
    '/bomb': (res) => res.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(100_000))),
    '/silent': () => undefined,
    '/slow-body': (res) => void res.writeHead(200).write('begin'),
    '/empty': (res) => res.writeHead(204).end(),
  }
  const server = createServer((req: IncomingMessage, res) => {
    hits += 1
    answers[req.url?.split('?')[0] ?? '']?.(res)
  })
  let base = ''
  let port = 0
  before(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
    base = `http://127.0.0.1:${port}`
  })
  after(async () => {
    await Promise.all(opened.map((one) => one.close().catch(() => undefined)))
    server.closeAllConnections()
    server.close()
  })

  test('refuses addresses of this machine and of private networks in every spelling, without connecting (S20)', async () => {
    hits = 0
    const fetchGuarded = guarded()
    const hosts = ['127.0.0.1', '0x7f.1', '2130706433', '0.0.0.0', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '[::]']
    for (const host of hosts) assert.equal(await codeOf(fetchGuarded(`http://${host}:${port}/ok`)), 'ERR_EGRESS', host)
    for (const host of [
      '10.0.0.1',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '[fd00::1]',
      '[fe80::1]',
      '[64:ff9b::7f00:1]',
    ])
      assert.equal(await codeOf(fetchGuarded(`https://${host}/`)), 'ERR_EGRESS', host)
    assert.equal(hits, 0)
  })

  test('reaches what is allowed by range or by name, and nothing beside it', async () => {
    assert.equal(await (await guarded({ allow: ['127.0.0.0/8'] })(`${base}/ok`)).text(), 'hello')
    assert.equal(await (await guarded({ allow: ['127.0.0.1'] })(`${base}/ok`)).text(), 'hello')
    const named = guarded({
      allow: ['upstream.lab.example'],
      resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    })
    assert.equal(await (await named(`http://upstream.lab.example:${port}/ok`)).text(), 'hello')
    assert.equal(await codeOf(named(`http://other.lab.example:${port}/ok`)), 'ERR_EGRESS')
    assert.equal(await codeOf(guarded({ allow: ['127.0.0.2'] })(`${base}/ok`)), 'ERR_EGRESS')
  })

  test('connects to the address it has checked, whatever a second answer says (DNS rebinding)', async () => {
    hits = 0
    let asked = 0
    const resolve = async () => {
      asked += 1
      return [{ address: asked === 1 ? '192.0.2.1' : '127.0.0.1', family: 4 }]
    }
    // 192.0.2.1 is allowed and answers nobody; a second look-up would find our server.
    const fetchGuarded = guarded({ allow: ['192.0.2.0/24'], resolve, timeoutMs: 300 })
    assert.equal(await codeOf(fetchGuarded(`http://rebind.example:${port}/ok`)), 'ERR_UPSTREAM')
    // The system knows this name by another address than the one that was checked.
    asked = 0
    assert.equal(await codeOf(fetchGuarded(`http://localhost:${port}/ok`)), 'ERR_UPSTREAM')
    assert.equal(hits, 0)
  })

  test('refuses a name when one of its addresses is private', async () => {
    const resolve = async () => [
      { address: '93.184.215.14', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]
    assert.equal(await codeOf(guarded({ resolve })('https://mixed.example/')), 'ERR_EGRESS')
  })

  test('refuses plain http to a public address', async () => {
    const resolve = async () => [{ address: '93.184.215.14', family: 4 }]
    assert.equal(await codeOf(guarded({ resolve })('http://public.example/')), 'ERR_EGRESS')
  })

  test('hands a redirect to the caller, or throws it when asked to, and never follows', async () => {
    const fetchGuarded = guarded({ allow: ['127.0.0.1'] })
    hits = 0
    const response = await fetchGuarded(`${base}/away`, { redirect: 'follow' })
    assert.equal(response.status, 302)
    assert.equal(response.headers.get('location'), '/ok')
    assert.equal((await fetchGuarded(new Request(`${base}/away`))).status, 302)
    assert.equal(await codeOf(fetchGuarded(`${base}/away`, { redirect: 'error' })), 'ERR_UPSTREAM')
    assert.equal(hits, 3)
  })

  test('cuts off an answer that is too long, also one that grows when unpacked', async () => {
    const fetchGuarded = guarded({ allow: ['127.0.0.1'], maxBytes: 1000 })
    assert.equal(await codeOf(fetchGuarded(`${base}/large`)), 'ERR_UPSTREAM')
    const bomb = await fetchGuarded(`${base}/bomb`)
    assert.equal(await codeOf(bomb.text()), 'ERR_UPSTREAM')
  })

  test('gives up on silence, before and within the body', async () => {
    const fetchGuarded = guarded({ allow: ['127.0.0.1'], timeoutMs: 200 })
    assert.equal(await codeOf(fetchGuarded(`${base}/silent`)), 'ERR_UPSTREAM')
    const response = await fetchGuarded(`${base}/slow-body`)
    assert.equal(await codeOf(response.text()), 'ERR_UPSTREAM')
  })

  test("leaves the caller's own abort as it is", async () => {
    const fetchGuarded = guarded({ allow: ['127.0.0.1'] })
    const controller = new AbortController()
    const asked = fetchGuarded(`${base}/silent`, { signal: controller.signal })
    controller.abort()
    await assert.rejects(asked, { name: 'AbortError' })
  })

  test('names who asked and the host, never the query', async () => {
    const fetchGuarded = guarded({ allow: ['127.0.0.1'], timeoutMs: 100 })
    await assert.rejects(fetchGuarded(`${base}/silent?code=abc`), (error: Error) => {
      assert.equal(error.message, `auth-test: 127.0.0.1:${port} did not answer within 0.1 s`)
      return true
    })
    await assert.rejects(
      guarded({ allow: ['127.0.0.1'] })(`http://127.0.0.1:${closedPort}/x?code=abc`),
      /^Fault: auth-test: 127\.0\.0\.1:\d+ could not be reached \(ECONNREFUSED\)$/,
    )
  })

  test('gives a Response of the platform, with its address and without a body where there is none', async () => {
    const fetchGuarded = guarded({ allow: ['127.0.0.1'] })
    const response = await fetchGuarded(`${base}/ok`)
    assert.ok(response instanceof Response)
    assert.equal(response.url, `${base}/ok`)
    await response.text()
    assert.equal((await fetchGuarded(`${base}/empty`)).status, 204)
  })

  test('counts what was answered, failed and refused', async () => {
    const seen: string[] = []
    const metrics = { upstream: ({ outcome }: { outcome: string }) => void seen.push(outcome) }
    await (await guarded({ allow: ['127.0.0.1'], metrics })(`${base}/ok`)).text()
    await codeOf(guarded({ metrics })(`${base}/ok`))
    await codeOf(guarded({ allow: ['127.0.0.1'], metrics })(`http://127.0.0.1:${closedPort}/`))
    assert.deepEqual(seen, ['answered', 'refused', 'failed'])
  })
})
