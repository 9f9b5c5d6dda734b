import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Database from 'better-sqlite3'
import {
  movableClock,
  newBrowser,
  type Party,
  party,
  people,
  signInAs,
  startWorld,
  textOf,
  titleOf,
  type World,
} from '../support/flow.ts'
import { callback, freePort, signInByEmail, startLabgate, testClients } from '../support/labgate.ts'
import { statementsOf } from '../support/statements.ts'
import { type Page, UserAgent } from '../support/user-agent.ts'

const evilName = `<script>alert(1)</script>"'><img src=x onerror=alert(1)>`
const secretOf = (id: string) => `a-secret-of-the-test-client-${id}`.padEnd(36, '0')

/** A request with exactly this target, which `fetch` would tidy up. */
function rawGet(site: { issuer: string }, target: string): Promise<{ status: number; body: string }> {
  const { hostname, port } = new URL(site.issuer)
  return new Promise((done, failed) => {
    const asked = request({ hostname, port, path: target, headers: { host: `${hostname}:${port}` } }, (response) => {
      let body = ''
      response.setEncoding('latin1').on('data', (part) => {
        body += part
      })
      response.on('end', () => done({ status: response.statusCode ?? 0, body }))
    })
    asked.on('error', failed).end()
  })
}

const isAtCallback = ({ url }: Page) => url.href.startsWith(callback)

describe('a running Labgate', () => {
  const clock = movableClock()
  let world: World
  let web: Party
  let storageFails = false
  const site = () => world.site
  const account = () => `${site().issuer}/account`
  before(async () => {
    const pause = (point: string) => {
      if (storageFails && /^before-(?:orm-)?commit/.test(point)) throw new Error('the disk is full')
    }
    world = await startWorld({
      users: [
        ...people,
        { sub: 'eve', name: evilName, preferred_username: 'eve', email: 'eve@example.org', email_verified: true },
      ],
      options: { replaced: { clock }, storage: { pause } },
      part: () => ({
        clients: {
          ...testClients,
          evil: { ...testClients.third, name: evilName, secret: secretOf('evil') },
          lax: { ...testClients.web, pkce: false, secret: secretOf('lax') },
          dotted: { ...testClients.web, secret: secretOf('dotted'), redirectUris: ['https://app.example.org/cb?x=1'] },
        },
      }),
    })
    web = await party(site())
  })
  after(() => world.close())

  test('takes from the account form a name, and no verified address, role, state or username (S3) (datalab 1.7.5, 1.7.11)', async () => {
    const agent = newBrowser()
    const page = await signInAs(agent, 'dora', account())
    const form = page.forms.find(({ action }) => action.endsWith('/account/name'))
    const hostile = {
      email: 'boss@example.org',
      emailVerified: 'true',
      email_verified: 'true',
      role: 'admin',
      state: 'active',
      username: 'boss',
    }
    const after = await agent.submit(page, form, { displayName: 'Dora D.', ...hostile })
    assert.match(textOf(after), /Dora D\./)
    const [dora] = await site().labgate.rooms.get('accounts').list({ search: 'Dora D.', limit: 2, offset: 0 })
    assert.deepEqual(
      [dora?.email, dora?.emailVerified, dora?.role, dora?.username],
      ['dora@example.net', true, 'user', 'dora'],
    )
  })

  test('asks the upstream nothing when a callback is played again (S4)', async () => {
    const agent = new UserAgent({ stopAt: [`${site().issuer}/sign-in/uni/callback`] })
    const stopped = await signInAs(agent, 'alice', (await web.request()).url)
    const cookie = agent.cookieHeader(stopped.url)
    const play = () => fetch(stopped.url, { redirect: 'manual', headers: { cookie, accept: 'text/html' } })
    const asked = () => world.upstream.requests.filter((line) => line === 'POST /token').length
    const before = asked()
    assert.equal((await play()).status, 303)
    assert.equal(asked() - before, 1)
    assert.equal((await play()).status, 400)
    assert.equal(asked() - before, 1, 'the second one never gets that far')
  })

  test('knows at once that another process has deactivated an account (S11)', {
    skip: process.env.LABGATE_TEST_POSTGRES !== undefined && 'two-processes.test.ts shows it',
  }, async () => {
    const agent = newBrowser()
    const tokens = await web.signIn(agent, 'dora')
    const id = tokens.claims()?.sub ?? ''
    // A connection of its own, of which this process hears nothing: all that it keeps in memory is in the way.
    const state = (value: 'active' | 'deactivated') => {
      const other = new Database(join(site().folder, 'labgate.db'), { timeout: 5000 })
      other.prepare('UPDATE account SET state = ? WHERE id = ?').run(value, id)
      other.close()
    }
    assert.equal(titleOf(await agent.open(account())), 'Your account')
    assert.equal((await web.userinfo(tokens.access_token)).status, 200)
    state('deactivated')
    assert.notEqual(titleOf(await agent.open(account())), 'Your account')
    assert.equal((await web.silent(agent)).error, 'login_required')
    assert.equal((await web.userinfo(tokens.access_token)).status, 401)
    state('active')
  })

  test("goes on when a browser has lost the Provider's cookie, and leaves no token of the lost session (S11)", async () => {
    const agent = newBrowser()
    const tokens = await web.signIn(agent, 'bob')
    for (const name of ['labgate_provider', 'labgate_provider.sig']) agent.forget(name)
    const { url, redeem } = await web.request()
    const page = await agent.open(url)
    assert.ok(isAtCallback(page), page.url.href)
    assert.equal((await redeem(page.url)).claims()?.sub, tokens.claims()?.sub)
    assert.equal((await web.userinfo(tokens.access_token)).status, 401)
    await agent.press(await agent.open(account()), 'Sign out here')
    assert.equal((await web.silent(agent)).error, 'login_required')
  })

  describe('PKCE (S7)', () => {
    const errorAt = async (change: (url: URL) => void) => {
      const { url } = await web.request()
      change(url)
      const { url: back } = await newBrowser().open(url)
      return back.searchParams.get('error')
    }
    test('is asked of every client: no challenge, or a plain one, is refused (RFC 7636 §4.4.1)', async () => {
      const strip = (url: URL) => {
        url.searchParams.delete('code_challenge')
        url.searchParams.delete('code_challenge_method')
      }
      assert.equal(await errorAt(strip), 'invalid_request')
      assert.equal(await errorAt((url) => url.searchParams.delete('code_challenge')), 'invalid_request')
      assert.equal(await errorAt((url) => url.searchParams.set('code_challenge_method', 'plain')), 'invalid_request')
      assert.equal(await errorAt((url) => url.searchParams.delete('code_challenge_method')), 'invalid_request')
    })
    const redeemRaw = async (at: Party, code: string | null, verifier: string | undefined) =>
      at.token({
        grant_type: 'authorization_code',
        code: code ?? '',
        redirect_uri: callback,
        ...(verifier === undefined ? {} : { code_verifier: verifier }),
      })
    test('a code with a challenge is not redeemed without its verifier, nor with another', async () => {
      const agent = newBrowser()
      await signInAs(agent, 'alice', account())
      for (const verifier of [undefined, 'v'.repeat(43)]) {
        const { code } = await web.silent(agent)
        const { status, body } = await redeemRaw(web, code, verifier)
        assert.deepEqual([status, body.error], [400, 'invalid_grant'])
      }
    })
    test('a code that was asked for without a challenge takes no verifier (downgrade)', async () => {
      const lax = await party(site(), { id: 'lax', secret: secretOf('lax') })
      const agent = newBrowser()
      await signInAs(agent, 'alice', account())
      const { url, verifier } = await lax.request({ prompt: 'none' })
      url.searchParams.delete('code_challenge')
      url.searchParams.delete('code_challenge_method')
      const code = async () => (await agent.open(url)).url.searchParams.get('code')
      assert.equal((await redeemRaw(lax, await code(), verifier)).body.error, 'invalid_grant')
      assert.equal((await redeemRaw(lax, await code(), undefined)).status, 200)
    })
  })

  test('knows a redirect address by its exact text, and else shows an error without going there (S8)', async () => {
    const registered = 'https://app.example.org/cb?x=1'
    const wrong = [
      'https://app.example.org/cb',
      'https://app.example.org/cb?x=1&y=2',
      'https://app.example.org/cb?x=1#fragment',
      'https://app.example.org/CB?x=1',
      'https://APP.example.org/cb?x=1',
      'https://app.example.org:443/cb?x=1',
      'https://appXexample.org/cb?x=1',
      'https://app.example.org.evil.net/cb?x=1',
      'https://user@app.example.org/cb?x=1',
      'https://app.example.org\\@evil.net/cb?x=1',
      'https://app.example.org/%63b?x=1',
      'https://app.example.org/a/../cb?x=1',
      'https://app.example.org%2fcb?x=1',
      'http://app.example.org/cb?x=1',
      ' https://app.example.org/cb?x=1',
      '//app.example.org/cb?x=1',
      'javascript:alert(1)',
    ]
    const answer = async (redirectUri: string) => {
      const url = new URL('/oidc/auth', site().issuer)
      url.search = new URLSearchParams({
        client_id: 'dotted',
        response_type: 'code',
        scope: 'openid',
        prompt: 'none',
        code_challenge: 'c'.repeat(43),
        code_challenge_method: 'S256',
        redirect_uri: redirectUri,
      }).toString()
      return fetch(url, { redirect: 'manual', headers: { accept: 'text/html' } })
    }
    assert.match(
      (await answer(registered)).headers.get('location') ?? '',
      /^https:\/\/app\.example\.org\/cb\?x=1&error=login_required/,
    )
    for (const one of wrong) {
      const response = await answer(one)
      assert.equal(response.status, 400, one)
      assert.equal(response.headers.get('location'), null, one)
      assert.equal((await response.text()).includes('href="https://app'), false, one)
    }
  })

  test('comes back from a sign-in to its own paths only, whatever the return state says (S9)', async () => {
    const agent = new UserAgent({ stopAt: ['http://evil.', 'https://evil.'] })
    await signInAs(agent, 'alice', account())
    const wrong = [
      '//evil.example/',
      '/\\evil.example/',
      'https:evil.example',
      'https://evil.example/',
      '/\t/evil.example',
      '\u2028//evil.example',
      'javascript:alert(1)',
      '',
      '/..//evil.example',
    ]
    for (const one of wrong)
      for (const extra of ['', '&error=access_denied']) {
        const state = Buffer.from(one).toString('base64url')
        const page = await agent.open(`${site().issuer}/sign-in/return?state=${state}${extra}`)
        assert.equal(page.url.origin, site().issuer, one)
        assert.doesNotMatch(page.text, /href="[^"]*evil/, one)
      }
    const page = await agent.open(
      `${site().issuer}/sign-in/return?state=${Buffer.from('/account?a=1').toString('base64url')}`,
    )
    assert.equal(page.url.pathname + page.url.search, '/account?a=1')
  })

  describe('pages (S14)', () => {
    const assertHarmless = (page: Page) => {
      assert.doesNotMatch(page.text, /<script>alert|<img src=x|onerror=alert\(1\)>/, page.url.href)
      const csp = page.headers.get('content-security-policy') ?? ''
      assert.match(csp, /default-src 'none'/)
      assert.match(csp, /script-src 'nonce-[\w-]+'/)
      assert.match(csp, /frame-ancestors 'none'/)
      assert.doesNotMatch(csp, /unsafe/)
    }
    test('show the name of a hostile client and person as text: chooser, consent, account, logout', async () => {
      const evil = await party(site(), { id: 'evil', secret: secretOf('evil') })
      const agent = newBrowser()
      const { url, redeem } = await evil.request()
      const chooser = await agent.open(url)
      assert.match(chooser.text, /&lt;script&gt;alert/)
      assertHarmless(chooser)
      const consent = await signInAs(agent, 'eve', chooser)
      assert.match(consent.text, /&lt;script&gt;alert/)
      assertHarmless(consent)
      const back = await agent.press(consent, /^allow/i)
      const { id_token = '' } = await redeem(back.url)
      assertHarmless(await agent.open(account()))
      assertHarmless(await agent.open(`${site().issuer}/oidc/logout?id_token_hint=${id_token}`))
    })
    test('show hostile parameters of a request as text', async () => {
      const hostile = encodeURIComponent(evilName)
      const paths = [
        `/oidc/auth?client_id=${hostile}`,
        `/oidc/auth?client_id=web&redirect_uri=${hostile}`,
        `/oidc/auth?client_id=web&scope=${hostile}&state=${hostile}`,
        `/sign-in/return?error=${hostile}&error_description=${hostile}&state=${hostile}`,
        `/sign-in/uni/callback?state=${hostile}&error=${hostile}&error_description=${hostile}`,
        `/interaction/${hostile}`,
        `/${hostile}`,
      ]
      for (const path of paths) {
        const page = await newBrowser().open(site().issuer + path)
        if (isAtCallback(page)) continue
        assertHarmless(page)
      }
    })
    test('do not show what an upstream says of an error', async () => {
      world.faults.callback = (url) => {
        url.searchParams.delete('code')
        for (const name of ['error', 'error_description']) url.searchParams.set(name, evilName)
        return url
      }
      const page = await signInAs(newBrowser(), 'alice', (await web.request()).url).finally(
        () => delete world.faults.callback,
      )
      assertHarmless(page)
      assert.equal(isAtCallback(page), false)
    })
  })

  test('answers an address that is known, unknown or deactivated alike (S18) (launchpad 2.2)', async () => {
    const known = await signInByEmail(site(), newBrowser(), { at: account(), email: 'known@example.org' })
    assert.equal(titleOf(known), 'Your account')
    await signInByEmail(site(), newBrowser(), { at: account(), email: 'gone@example.org' })
    const accounts = site().labgate.rooms.get('accounts')
    const gone = await accounts.findByVerifiedEmail('gone@example.org')
    await accounts.setState(gone?.id ?? '', 'deactivated')
    const stepFor = async (email: string) => {
      const agent = newBrowser()
      const chooser = await agent.open((await web.request()).url)
      const form = chooser.forms.find(({ fields }) => 'email' in fields)
      const action = form?.buttons.find((button) => button.action?.endsWith('/m/email'))?.action
      const before = await site().mails()
      // Records of sign-ins are written a second or two later, by a timer: not amid this one.
      await site().labgate.rooms.get('storage').artifacts.flush()
      const { value: page, statements } = await statementsOf(() => agent.submit(chooser, form, { email }, action))
      assert.equal((await site().mails()) - before, 1, 'one mail each')
      const headers = [...page.headers].filter(
        ([name]) => !/date|request-id|security-policy|etag|content-length/.test(name),
      )
      return {
        status: page.status,
        headers,
        text: page.text.replaceAll(email, 'ADDRESS').replaceAll(/[\w-]{16,}/g, 'RANDOM'),
        // Who does the same work takes the same time; a clock would say so on a quiet machine only.
        statements: statements.filter((one) => !/^(?:begin|commit|pragma)/i.test(one)).toSorted(),
      }
    }
    const [one, two, three] = [
      await stepFor('known@example.org'),
      await stepFor('never@example.org'),
      await stepFor('gone@example.org'),
    ]
    assert.ok(one.statements.length > 0)
    assert.deepEqual(two, one)
    assert.deepEqual(three, one)
  })

  test('judges expiry where something is used: with the cleaner standing still nothing lives longer (S27)', async () => {
    const agent = newBrowser()
    const tokens = await web.signIn(agent, 'bob')
    const asked = await web.request({ prompt: 'none' })
    const { url: late } = await agent.open(asked.url)
    await site().labgate.rooms.get('storage').cleaner.stop()
    clock.advance(61)
    await assert.rejects(asked.redeem(late), (error) => (error as { error?: string }).error === 'invalid_grant')
    assert.equal((await web.userinfo(tokens.access_token)).status, 200)
    clock.advance(900)
    assert.equal((await web.userinfo(tokens.access_token)).status, 401)
    clock.advance(24 * 3600)
    assert.equal((await web.silent(agent)).error, 'login_required')
  })

  test('takes no megabyte, and writes a long or many-lined value as one short line (S28)', async () => {
    const agent = newBrowser()
    const chooser = await agent.open((await web.request()).url)
    const form = chooser.forms.find(({ fields }) => 'email' in fields)
    const action = form?.buttons.find((button) => button.action?.endsWith('/m/email'))?.action
    const huge = await agent.submit(chooser, form, { email: 'a'.repeat(1_000_000) }, action).catch(() => undefined)
    assert.ok(huge === undefined || huge.status === 413, String(huge?.status))
    const token = await fetch(`${site().issuer}/oidc/token`, {
      method: 'POST',
      body: new URLSearchParams({ code: 'a'.repeat(1_000_000) }),
    }).catch(() => undefined)
    assert.ok(token === undefined || token.status === 413, String(token?.status))
    const odd = `x\n{"level":"error","message":"forged"}\r\n\u2028${'y'.repeat(30_000)}`
    await agent.submit(chooser, form, { email: odd }, action)
    await newBrowser().open(`${site().issuer}/${encodeURIComponent(odd.slice(0, 3000))}`)
    await web.token({ grant_type: odd, code: odd })
    await new UserAgent({ headers: { 'user-agent': 'z'.repeat(8_000) } }).open(`${site().issuer}/nowhere`)
    const lines = (await readFile(join(site().folder, 'labgate.log'), 'utf8')).trimEnd().split('\n')
    for (const line of lines) {
      assert.notEqual((JSON.parse(line) as { message?: string }).message, 'forged')
      assert.ok(line.length < 12_000, `${line.length} characters`)
    }
  })

  test('serves no file by a path of the request (S29)', async () => {
    const targets = [
      '/assets/..%2f..%2fpackage.json',
      '/assets/../../package.json',
      '/assets/%2e%2e/%2e%2e/package.json',
      '/assets//etc/passwd',
      '/assets/%2fetc%2fpasswd',
      '/assets/..\\..\\package.json',
      '/assets/style.css%00.png',
      '/assets/%00',
      '/assets/%c0%ae%c0%ae/package.json',
      '/assets/',
      '/..%2f..%2fetc/passwd',
      '/%ff',
    ]
    for (const target of targets) {
      const { status, body } = await rawGet(site(), target)
      assert.ok(status === 404 || status === 400, `${target}: ${status}`)
      assert.doesNotMatch(body, /root:|"workspaces"/, target)
    }
  })

  describe('when the database cannot be written (S30)', () => {
    const failing = async <T>(work: () => Promise<T>): Promise<T> => {
      storageFails = true
      try {
        return await work()
      } finally {
        storageFails = false
      }
    }
    test('a revocation fails for the caller, and works later', async () => {
      const tokens = await web.signIn(newBrowser(), 'bob')
      const revoke = () =>
        fetch(`${site().issuer}/oidc/revocation`, {
          method: 'POST',
          headers: { authorization: `Basic ${Buffer.from(`web:${testClients.web.secret}`).toString('base64')}` },
          body: new URLSearchParams({ token: tokens.access_token }),
        })
      assert.ok((await failing(revoke)).status >= 500)
      assert.equal((await revoke()).status, 200)
      assert.equal((await web.userinfo(tokens.access_token)).status, 401)
    })
    test('a code gives no token, and is redeemed once later', async () => {
      const agent = newBrowser()
      await signInAs(agent, 'bob', account())
      const { url, redeem } = await web.request({ prompt: 'none' })
      const { url: back } = await agent.open(url)
      const code = back.searchParams.get('code') ?? ''
      const answer = await failing(() =>
        fetch(`${site().issuer}/oidc/token`, {
          method: 'POST',
          headers: { authorization: `Basic ${Buffer.from(`web:${testClients.web.secret}`).toString('base64')}` },
          body: new URLSearchParams({
            grant_type: 'authorization_code',
            code,
            redirect_uri: callback,
            code_verifier: 'v'.repeat(43),
          }),
        }),
      )
      assert.ok(answer.status >= 400)
      assert.doesNotMatch(await answer.text(), /access_token/)
      const failed = await failing(() =>
        redeem(back).then(
          () => 'redeemed',
          () => 'refused',
        ),
      )
      assert.equal(failed, 'refused')
      assert.ok((await redeem(back)).access_token)
    })
    test('signing out says that it failed, and the session lives until it worked', async () => {
      const agent = newBrowser()
      const page = await signInAs(agent, 'bob', account())
      const failed = await failing(() => agent.press(page, 'Sign out here'))
      assert.ok(failed.status >= 500, String(failed.status))
      assert.equal(titleOf(await agent.open(account())), 'Your account')
      assert.equal(titleOf(await agent.press(await agent.open(account()), 'Sign out here')), 'You are signed out')
    })
    test('nobody is signed in', async () => {
      const agent = newBrowser()
      const start = await agent.open((await web.request()).url)
      const page = await failing(() => signInAs(agent, 'alice', start))
      assert.ok(page.status >= 500, String(page.status))
      assert.equal((await web.silent(agent)).error, 'login_required')
    })
  })

  test('never gives the account of a removed way to sign in to who comes by it again (S32)', async () => {
    const agent = newBrowser()
    const asked = await web.request()
    const first = (
      await asked.redeem((await signInByEmail(site(), agent, { at: asked.url, email: 'frida@example.org' })).url)
    ).claims()?.sub
    const linked = await agent.press(await agent.open(account()), 'University')
    const done = isAtCallback(linked) ? linked : await agent.press(linked, /^carol$/)
    const forms = done.forms.filter(({ action }) => action.endsWith('/unlink'))
    assert.equal(forms.length, 2, textOf(done))
    const identities = site().labgate.rooms.get('identities')
    const carol = (await identities.list(first ?? '')).find(({ subject }) => subject === 'carol')
    await agent.submit(
      done,
      forms.find(({ action }) => action.includes(carol?.id ?? 'none')),
    )
    const later = await web.signIn(newBrowser(), 'carol')
    assert.ok(later.claims()?.sub)
    assert.notEqual(later.claims()?.sub, first)
  })
})

test('every cookie of an https issuer is Secure, HttpOnly, Lax, of this host, and prefixed (S24)', async () => {
  const port = await freePort()
  const issuer = `https://localhost:${port}`
  const site = await startLabgate({ issuer, proxies: ['127.0.0.1', '::1'], listen: { port } })
  const real = globalThis.fetch
  // Stands in for the reverse proxy that ends TLS.
  globalThis.fetch = (input, init) => {
    const url = new URL(String(input))
    if (url.origin !== issuer) return real(input, init)
    const headers = { ...(init?.headers as Record<string, string>), 'x-forwarded-proto': 'https' }
    return real(url.href.replace('https:', 'http:'), { ...init, headers })
  }
  try {
    const agent = newBrowser()
    const page = await signInByEmail(site, agent, { at: `${issuer}/account`, email: 'ada@example.org', remember: true })
    assert.equal(titleOf(page), 'Your account', textOf(page))
    const names = new Set(agent.cookies.map(({ name }) => name))
    for (const name of ['session', 'attempt', 'recent', 'provider'])
      assert.ok(names.has(`__Host-labgate_${name}`), name)
    for (const { name, attributes, path } of agent.cookies) {
      assert.match(name, /^__(?:Host|Secure)-labgate_/)
      for (const needed of [/;?\s*secure/i, /httponly/i, /samesite=lax/i]) assert.match(attributes, needed, name)
      assert.doesNotMatch(attributes, /domain=/i, name)
      if (name.startsWith('__Host-')) assert.equal(path, '/', name)
    }
  } finally {
    globalThis.fetch = real
    await site.stop()
  }
})
