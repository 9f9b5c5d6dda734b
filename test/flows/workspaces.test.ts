/** The way into a workspace: over its own host, by who may, with nothing of ours handed on. @module */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { after, before, suite, test } from 'node:test'
import { freePort, signInByEmail } from '../support/labgate.ts'
import { UserAgent } from '../support/user-agent.ts'
import { type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'

interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: string
}

suite('the way into a workspace', () => {
  let world: WorkspaceWorld
  let port: number
  let id: string
  const room = () => world.site.labgate.rooms.get('workspaces')
  const host = () => `${id}.localhost:${port}`

  /** Names below localhost are this machine, whatever its resolver knows. */
  const ask = (path: string, init: { method?: string; headers?: Record<string, string>; body?: string } = {}) =>
    new Promise<Answer>((resolve, reject) => {
      const { method = 'GET', headers = {}, body } = init
      const asked = request({ host: '127.0.0.1', port, path, method, headers: { host: host(), ...headers } }, (res) => {
        let text = ''
        res.on('data', (part) => {
          text += part
        })
        res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text }))
      })
      asked.on('error', reject)
      asked.end(body)
    })

  before(async () => {
    port = await freePort()
    world = await workspaceWorld({ workspaces: { origin: `http://*.localhost:${port}` } }, { port })
  })
  after(() => world.stop())

  test('leads a browser to sign in and back, once, and then to the app with its token', async () => {
    const { site, as, until } = world
    const agent = new UserAgent()
    await signInByEmail(site, agent, { at: new URL('/account', site.issuer), email: 'carol@example.org' })
    const account = await site.labgate.rooms.get('accounts').findByVerifiedEmail('carol@example.org')
    assert.ok(account)
    id = (await room().request(as(account.id), { account: account.id, profile: 'notebook' })).id
    await until(id, 'ready')

    const first = await ask('/tree', { headers: { accept: 'text/html' } })
    assert.equal(first.status, 303)
    const nonce = String(first.headers['set-cookie']).split(';')[0] ?? ''
    const issued = await fetch(String(first.headers.location), {
      redirect: 'manual',
      headers: { cookie: agent.cookieHeader(new URL(site.issuer)) },
    })
    const back = new URL(issued.headers.get('location') ?? '')
    assert.equal(back.host, host())
    const entered = await ask(back.pathname + back.search, { headers: { cookie: nonce } })
    assert.equal(entered.status, 303)
    assert.equal(entered.headers.location, '/tree')
    const cookie = String((entered.headers['set-cookie'] as string[])[0]).split(';')[0] ?? ''
    const again = await ask(back.pathname + back.search, { headers: { cookie: nonce } })
    assert.equal(again.status, 403)

    const seen = await ask('/echo', { headers: { cookie: `${cookie}; theirs=1`, 'x-forwarded-user': 'root' } })
    assert.equal(seen.status, 200)
    const { headers } = JSON.parse(seen.body) as { headers: Record<string, string> }
    assert.equal(headers.cookie, 'theirs=1')
    assert.equal(headers['x-forwarded-user'], undefined)
    assert.equal(headers.host, host())
    assert.match(headers.authorization ?? '', /^token /)
    const other = await ask('/echo', { method: 'POST', headers: { cookie, origin: 'http://wother.localhost' } })
    assert.equal(other.status, 403)
    await room().stop(as(account.id), id)
    await until(id, 'stopped')
    assert.equal((await ask('/echo', { headers: { cookie } })).status, 404)
  })
})
