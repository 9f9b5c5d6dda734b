/** The outer app and a real OpenID Provider behind real reverse proxies with TLS. @module */
import assert from 'node:assert/strict'
import { request } from 'node:https'
import { after, before, describe, test } from 'node:test'
import Provider from 'oidc-provider'
import { type App, createApp } from '../../../core/http/app.ts'
import { cookieNames } from '../../../core/http/cookies.ts'
import { type Listening, listen } from '../../../core/http/listen.ts'
import { startCaddy } from '../../support/caddy.ts'
import type { Front } from '../../support/front.ts'
import { needs } from '../../support/needs.ts'
import { startNginx } from '../../support/nginx.ts'
import { keptLog, plainPages, type Reply, send } from '../../support/outer-app.ts'
import { freePort, tempFolder } from '../../support/program.ts'

const ringKeys = ['a-key-of-the-tests-0123456789abcdef']
const client = { client_id: 'demo', client_secret: 'not-a-secret-of-anybody', redirect_uris: ['https://rp.example/cb'] }
const authPath = `/oidc/auth?${new URLSearchParams({
  client_id: 'demo',
  redirect_uri: 'https://rp.example/cb',
  response_type: 'code',
  scope: 'openid',
  code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  code_challenge_method: 'S256',
})}`

function providerFor(issuer: string): Provider {
  const names = cookieNames(issuer)
  const provider = new Provider(issuer, {
    clients: [client],
    cookies: {
      keys: ringKeys,
      names: { session: names.provider, interaction: names.interaction, resume: names.resume },
    },
    routes: {
      authorization: '/oidc/auth',
      token: '/oidc/token',
      jwks: '/oidc/jwks',
      userinfo: '/oidc/me',
      end_session: '/oidc/logout',
    },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  })
  provider.proxy = true
  return provider
}

function addRoutes(app: App, issuer: string): void {
  app.routes.add(
    {
      method: 'GET',
      path: '/who',
      handler: (ctx) => {
        ctx.cookies.set(cookieNames(issuer).session, 'x', { signed: false, sameSite: 'lax' })
        ctx.body = { address: ctx.state.address, secure: ctx.secure }
      },
    },
    {
      method: 'POST',
      path: '/change',
      body: { type: 'form' },
      handler: (ctx) => {
        ctx.body = 'changed'
      },
    },
  )
}

interface Stand {
  readonly front: Front
  readonly port: number | undefined
  close(): Promise<void>
}

async function startStand(
  startFront: typeof startNginx,
  place: 'tcp' | 'unix',
  proxies: readonly string[],
): Promise<Stand> {
  const folder = await tempFolder()
  const frontPort = await freePort()
  const issuer = `https://localhost:${frontPort}`
  const app = createApp({ issuer, proxies, ringKeys, pages: plainPages, log: keptLog().log })
  const provider = providerFor(issuer)
  app.mountProvider({ current: () => provider })
  addRoutes(app, issuer)
  const socket = `${folder.path}/labgate.sock`
  const at = place === 'unix' ? { socket } : { host: '127.0.0.1', port: 0 }
  const server: Listening = await listen({ handler: app.callback(), place: at })
  const upstream = place === 'unix' ? `unix:${socket}` : `http://127.0.0.1:${server.port}`
  const front = await startFront({ upstream, port: frontPort })
  const close = async () => {
    await front.close()
    await server.close({ graceSeconds: 0 })
    await folder.remove()
  }
  return { front, port: server.port, close }
}

/** One request through the proxy, from another address of this machine than the proxy's own. */
function through(
  front: Front,
  path: string,
  more: { headers?: Record<string, string>; method?: string; body?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = more
    const to = {
      host: '127.0.0.1',
      port: front.port,
      servername: 'localhost',
      ca: front.ca,
      localAddress: '127.0.0.9',
      agent: false as const,
    }
    const asked = request(
      { ...to, method, path, headers: { host: `localhost:${front.port}`, ...headers } },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
        })
        response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
      },
    )
    asked.once('error', reject)
    asked.end(body)
  })
}

const forged = {
  'x-forwarded-for': '203.0.113.66',
  'x-forwarded-host': 'evil.example',
  'x-forwarded-proto': 'http',
  'x-forwarded-port': '1',
  'x-real-ip': '203.0.113.66',
  forwarded: 'for=203.0.113.66;host=evil.example;proto=http',
  x_forwarded_for: '203.0.113.66',
}

const fronts = [
  ['nginx', startNginx, 'tcp', ['127.0.0.1']],
  ['Caddy', startCaddy, 'tcp', ['127.0.0.1']],
  ['nginx on a unix socket', startNginx, 'unix', ['unix']],
] as const

for (const [name, startFront, place, proxies] of fronts) {
  const program = name === 'Caddy' ? 'caddy' : 'nginx'
  describe(`behind ${name} with TLS (S23)`, { skip: needs(program, 'openssl') }, () => {
    let stand: Stand
    before(async () => {
      stand = await startStand(startFront, place, proxies)
    })
    after(() => stand.close())

    test('discovery names https addresses of the issuer only', async () => {
      const { front } = stand
      for (const headers of [{}, forged]) {
        const { status, text } = await through(front, '/.well-known/openid-configuration', { headers })
        assert.equal(status, 200)
        const addresses = Object.values(JSON.parse(text) as object).filter((value) => /^https?:/.test(String(value)))
        assert.ok(addresses.length >= 5)
        for (const address of addresses) assert.equal(new URL(String(address)).origin, front.origin)
      }
    })

    test("our cookies and the Provider's are Secure and prefixed (S24)", async () => {
      const ours = await through(stand.front, '/who')
      assert.match(
        String(ours.headers['set-cookie']),
        /^__Host-labgate_session=x; path=\/; samesite=lax; secure; httponly$/i,
      )
      const theirs = await through(stand.front, authPath)
      assert.equal(theirs.status, 303)
      assert.match(String(theirs.headers.location), /^(?:https:\/\/localhost:\d+)?\/interaction\//)
      const cookies = theirs.headers['set-cookie'] ?? []
      assert.ok(cookies.length >= 2)
      for (const cookie of cookies) assert.match(cookie, /^__Secure-labgate_(?:interaction|resume)\S*=.*; secure/i)
    })

    test("the Provider's answers carry our security headers", async () => {
      const { headers } = await through(stand.front, '/oidc/auth?client_id=nobody', {
        headers: { accept: 'text/html' },
      })
      assert.match(String(headers['content-security-policy']), /frame-ancestors 'none'/)
      assert.equal(headers['strict-transport-security'], 'max-age=31536000')
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.match(String(headers['x-request-id']), /^[\w-]{16}$/)
    })

    test('the client address is the true one, and a forged one changes nothing', async () => {
      for (const headers of [{}, forged]) {
        const reply = await through(stand.front, '/who', { headers })
        assert.deepEqual(JSON.parse(reply.text), { address: '127.0.0.9', secure: true })
      }
    })

    test('a form of our own page is taken, one of another site is not', async () => {
      const post = (origin: string) =>
        through(stand.front, '/change', {
          method: 'POST',
          body: 'a=1',
          headers: { origin, 'content-type': 'application/x-www-form-urlencoded' },
        })
      assert.equal((await post(stand.front.origin)).text, 'changed')
      assert.equal((await post('https://evil.example')).status, 403)
    })

    test('another Host is refused', async () => {
      const reply = await through(stand.front, '/who', { headers: { host: 'evil.example' } })
      // Caddy has no site for it and answers an empty page itself.
      if (program === 'caddy') assert.equal(reply.text, '')
      else assert.equal(reply.status, 421)
    })
  })
}

describe('the same headers from anybody else', { skip: needs('nginx', 'openssl') }, () => {
  test('change nothing when they come past the proxy', async () => {
    const stand = await startStand(startNginx, 'tcp', ['192.0.2.1'])
    try {
      const host = `localhost:${stand.front.port}`
      const forgedHttps = { ...forged, 'x-forwarded-proto': 'https', host }
      const past = await send(stand.port ?? 0, { path: '/who', headers: forgedHttps })
      assert.equal(past.status, 421)
      // nginx itself is not listed here: its word counts as little as anybody's.
      assert.equal((await through(stand.front, '/who')).status, 421)
      const discovery = await send(stand.port ?? 0, { path: '/.well-known/openid-configuration', headers: forgedHttps })
      assert.equal(discovery.status, 421)
    } finally {
      await stand.close()
    }
  })
})
