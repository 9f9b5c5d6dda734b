import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { hasButton, movableClock, newBrowser, type Party, signInAs, startWorld, type World } from '../support/flow.ts'
import { callback, testClients } from '../support/labgate.ts'
import { basic, countOf, partiesOf, sameHeaders } from '../support/two-ways.ts'
import type { UserAgent } from '../support/user-agent.ts'

const resource = 'https://tables.example.org'
const secretOf = (id: string) => `a-secret-of-the-client-${id}-12345678`
const of = (id: string, more: object = {}) => ({ ...testClients.web, secret: secretOf(id), ...more })
const clients = {
  web: of('web'),
  lone: of('lone', { grantTypes: ['authorization_code'] }),
  pair: of('pair', { subjectType: 'pairwise', idTokenAlg: 'ES256' }),
  bare: of('bare', { pkce: false }),
  bound: of('bound', { dpop: true }),
  data: of('data', { resource }),
  asks: of('asks', { redirectUris: [callback, `${callback}/other`] }),
}
type ClientName = keyof typeof clients
type Form = Readonly<Record<string, string>>

/** Made anew for each sign-in, code or token: compared is that they are there. */
const anew = new Set([
  'iat',
  'exp',
  'iiat',
  'jti',
  'sid',
  'nonce',
  'at_hash',
  'auth_time',
  'authTime',
  'grantId',
  'codeChallenge',
  'sessionUid',
])
const shapeOf = (value: object) =>
  Object.fromEntries(Object.entries(value).map(([name, one]) => [name, anew.has(name) ? typeof one : one]))

/** One of the two ways, with a browser and so a session and grants of its own. */
interface Way {
  readonly name: 'ours' | 'library'
  readonly browser: UserAgent
}

/** A code or a refresh token for tokens has two ways, ours in front of the library and the library; nobody may tell them apart. */
describe('tokens for a code or a refresh token are the same on both ways', () => {
  const clock = movableClock()
  const ways: Way[] = [
    { name: 'ours', browser: newBrowser() },
    { name: 'library', browser: newBrowser() },
  ]
  let world: World
  let parties: ReadonlyMap<ClientName, Party>
  let byLibrary: () => number

  before(async () => {
    world = await startWorld({
      part: () => ({ clients, resources: { [resource]: { scopes: ['read'], life: '20m' } } }),
      options: { replaced: { clock } },
    })
    parties = await partiesOf(world, clients)
    byLibrary = countOf(world, ['grant.success'])
  })
  after(() => world.close())

  const codeFor = async ({ browser }: Way, id: ClientName, parameters: Form = {}) => {
    const asked = await (parties.get(id) as Party).request(parameters)
    const page = await signInAs(browser, 'alice', asked.url)
    const { url, text } = hasButton(page, /allow/i) ? await browser.press(page, /allow/i) : page
    const code = url.searchParams.get('code') ?? assert.fail(`no code: ${url} ${text}`)
    return { grant_type: 'authorization_code', code, redirect_uri: callback, code_verifier: asked.verifier }
  }
  const as = (id: ClientName) => basic(id, secretOf(id))
  const stored = async (model: string, id: unknown) => {
    const found =
      typeof id === 'string' ? await world.site.labgate.rooms.get('storage').artifacts.find(model, id) : undefined
    return found && { ...shapeOf(found.payload as object), used: found.consumedAt !== undefined }
  }
  /** Sends a form; the library's way is the one with a parameter that no grant knows, which it drops. */
  const ask = async (way: Way, form: Form | URLSearchParams, headers: Form) => {
    const body = new URLSearchParams(form)
    if (way.name === 'library') body.append('unknown', 'member')
    const answer = await fetch(new URL('/oidc/token', world.site.issuer), { method: 'POST', headers, body })
    const {
      access_token: access,
      refresh_token: refresh,
      id_token: id,
      ...rest
    } = (await answer.json()) as Record<string, string>
    const seen = {
      status: answer.status,
      headers: sameHeaders(answer),
      rest,
      access: await stored('AccessToken', access),
      refresh: await stored('RefreshToken', refresh),
      id: id && { head: decodeProtectedHeader(id), claims: shapeOf(decodeJwt(id)) },
      before: await stored('RefreshToken', body.get('refresh_token')),
      code: await stored('AuthorizationCode', body.get('code')),
    }
    return { seen, access, refresh: refresh ?? '', id: id ?? '' }
  }
  /** Walks both ways and compares; says how it ended, by whom, and gives what came of it on ours. */
  const both = async (walk: (way: Way) => Promise<Awaited<ReturnType<typeof ask>>>) => {
    const from = byLibrary()
    const ours = await walk(ways[0] as Way)
    const isOurs = byLibrary() === from
    const theirs = await walk(ways[1] as Way)
    assert.deepEqual(ours.seen, theirs.seen)
    return { ...ours, status: ours.seen.status, isOurs }
  }

  test('a code, with and without a refresh token, for everybody and for one sector', async () => {
    for (const [id, parameters, names] of [
      ['web', { scope: 'openid email profile offline_access', nonce: 'n' }, 'access refresh id'],
      ['web', { scope: 'openid' }, 'access refresh id'],
      ['lone', { scope: 'openid email' }, 'access id'],
      ['pair', { scope: 'openid email' }, 'access refresh id'],
      ['bare', { scope: 'openid' }, 'access refresh id'],
      ['asks', { scope: 'openid' }, 'access refresh id'],
    ] as const) {
      const { status, isOurs, ...got } = await both(async (way) => ask(way, await codeFor(way, id, parameters), as(id)))
      assert.deepEqual([status, isOurs], [200, true], id)
      assert.equal(['access', 'refresh', 'id'].filter((name) => got[name as 'id']).join(' '), names)
      assert.equal(got.seen.code?.used, true)
    }
  })

  test('a client that posts its secret', async () => {
    const posted = { client_id: 'web', client_secret: secretOf('web') }
    const { status, isOurs } = await both(async (way) => ask(way, { ...(await codeFor(way, 'web')), ...posted }, {}))
    assert.deepEqual([status, isOurs], [200, true])
  })

  test('a refresh token, again and again', async () => {
    for (const id of ['web', 'pair'] as const) {
      const tokens = new Map<Way, string>()
      for (const way of ways) {
        const scope = 'openid email offline_access'
        tokens.set(way, (await ask(way, await codeFor(way, id, { scope }), as(id))).refresh)
      }
      for (const rotations of [1, 2]) {
        const { status, isOurs, seen } = await both(async (way) => {
          const got = await ask(way, { grant_type: 'refresh_token', refresh_token: tokens.get(way) ?? '' }, as(id))
          assert.notEqual(got.refresh, tokens.get(way))
          tokens.set(way, got.refresh)
          return got
        })
        assert.deepEqual([status, isOurs], [200, true])
        assert.equal((seen.refresh as { rotations?: number }).rotations, rotations)
        assert.equal(seen.before?.used, true)
      }
    }
  })

  test('what is not plain is answered by the library', async () => {
    const claims = JSON.stringify({ id_token: { email: null } })
    for (const [id, parameters, more] of [
      ['web', { claims }, {}],
      // Makes the time of the sign-in a claim that must be there.
      ['web', { max_age: '3600' }, {}],
      ['web', { resource }, {}],
      ['web', { resource }, { resource }],
      ['data', {}, {}],
    ] as const) {
      const got = await both(async (way) => ask(way, { ...(await codeFor(way, id, parameters)), ...more }, as(id)))
      assert.deepEqual([got.status, got.isOurs], [200, false], JSON.stringify(parameters))
      const again = await both(async (way) => {
        const { refresh } = await ask(way, { ...(await codeFor(way, id, parameters)), ...more }, as(id))
        return ask(way, { grant_type: 'refresh_token', refresh_token: refresh }, as(id))
      })
      assert.deepEqual([again.status, again.isOurs], [200, false], JSON.stringify(parameters))
    }
    const narrow = await both(async (way) => {
      const { refresh } = await ask(way, await codeFor(way, 'web', { scope: 'openid email' }), as('web'))
      return ask(way, { grant_type: 'refresh_token', refresh_token: refresh, scope: 'openid' }, as('web'))
    })
    assert.deepEqual([narrow.status, narrow.isOurs, narrow.seen.rest.scope], [200, false, 'openid'])
    // The only address that is registered may be left out.
    const { status, isOurs } = await both(async (way) => {
      const { redirect_uri: _, ...form } = await codeFor(way, 'web')
      return ask(way, form, as('web'))
    })
    assert.deepEqual([status, isOurs], [200, false])
  })

  test('every refusal of a code', async () => {
    const refused: Record<string, (way: Way) => ReturnType<typeof ask>> = {
      'another verifier': async (way) =>
        ask(way, { ...(await codeFor(way, 'web')), code_verifier: 'x'.repeat(43) }, as('web')),
      'no verifier': async (way) => {
        const { code_verifier: _, ...form } = await codeFor(way, 'web')
        return ask(way, form, as('web'))
      },
      'too short a verifier': async (way) =>
        ask(way, { ...(await codeFor(way, 'web')), code_verifier: 'short' }, as('web')),
      'an odd verifier': async (way) =>
        ask(way, { ...(await codeFor(way, 'web')), code_verifier: 'ö'.repeat(43) }, as('web')),
      'another address': async (way) =>
        ask(way, { ...(await codeFor(way, 'asks')), redirect_uri: `${callback}/other` }, as('asks')),
      'another client': async (way) => ask(way, await codeFor(way, 'web'), as('lone')),
      'another secret': async (way) => {
        const headers = { authorization: `Basic ${Buffer.from('web:another-secret').toString('base64')}` }
        return ask(way, await codeFor(way, 'web'), headers)
      },
      'a client with two secrets': async (way) => {
        const form = { ...(await codeFor(way, 'web')), client_id: 'web', client_secret: secretOf('web') }
        return ask(way, form, as('web'))
      },
      'a client whose key must be shown': async (way) => ask(way, await codeFor(way, 'bound'), as('bound')),
      'a proof that is none': async (way) => ask(way, await codeFor(way, 'web'), { ...as('web'), dpop: 'a.b.c' }),
      'a code that never was': async (way) => ask(way, { ...(await codeFor(way, 'web')), code: 'unknown' }, as('web')),
      'no code': async (way) => ask(way, { ...(await codeFor(way, 'web')), code: '' }, as('web')),
      'a code said twice': async (way) => {
        const form = new URLSearchParams(await codeFor(way, 'web'))
        form.append('code', 'another')
        return ask(way, form, as('web'))
      },
      'a grant that the client may not use': async (way) => {
        const { refresh } = await ask(way, await codeFor(way, 'web'), as('web'))
        return ask(way, { grant_type: 'refresh_token', refresh_token: refresh }, as('lone'))
      },
      'a code too late': async (way) => {
        const form = await codeFor(way, 'web')
        clock.advance(61)
        return ask(way, form, as('web'))
      },
    }
    for (const [why, walk] of Object.entries(refused)) {
      const { status, access } = await both(walk)
      assert.ok(status === 400 || status === 401, `${why}: ${status}`)
      assert.equal(access, undefined)
    }
  })

  test('a code counts once, and a second use ends all that came of the first (RFC 6749 §4.1.2)', async () => {
    for (const both of [false, true]) {
      const seen = []
      for (const way of ways) {
        const form = await codeFor(way, 'web', { scope: 'openid offline_access' })
        const uses = both
          ? await Promise.all([ask(way, form, as('web')), ask(way, form, as('web'))])
          : [await ask(way, form, as('web')), await ask(way, form, as('web'))]
        assert.deepEqual(uses.map(({ seen }) => seen.status).toSorted(), [200, 400])
        const { access, refresh } = uses.find(({ seen }) => seen.status === 200) ?? assert.fail()
        assert.equal(await stored('AccessToken', access), undefined)
        assert.equal(await stored('RefreshToken', refresh), undefined)
        seen.push(uses.find(({ seen }) => seen.status === 400)?.seen.rest)
      }
      assert.deepEqual(seen[0], seen[1])
    }
  })

  test('a refresh token used again: within the grace another one, later the end of all', async () => {
    const { status } = await both(async (way) => {
      const first = await ask(way, await codeFor(way, 'web', { scope: 'openid offline_access' }), as('web'))
      const form = { grant_type: 'refresh_token', refresh_token: first.refresh }
      const uses = [await ask(way, form, as('web')), await ask(way, form, as('web'))]
      assert.deepEqual(
        uses.map(({ seen }) => seen.status),
        [200, 200],
      )
      clock.advance(10)
      const late = await ask(way, form, as('web'))
      for (const { access } of uses) assert.equal(await stored('AccessToken', access), undefined)
      for (const { refresh } of uses)
        assert.equal((await ask(way, { ...form, refresh_token: refresh }, as('web'))).seen.status, 400)
      return late
    })
    assert.equal(status, 400)
  })

  test('who ends all sessions while a refresh token is being used ends what comes of it, too', async () => {
    const { RefreshToken } = world.site.labgate.provider()
    const found = RefreshToken.find
    const sessions = world.site.labgate.rooms.get('sessions')
    const offline = { scope: 'openid offline_access', prompt: 'consent' }
    for (const isSecondUse of [false, true]) {
      for (const way of ways) {
        const own = { ...way, browser: newBrowser() }
        const { id, refresh } = await ask(own, await codeFor(own, 'web', offline), as('web'))
        const form = { grant_type: 'refresh_token', refresh_token: refresh }
        if (isSecondUse) assert.equal((await ask(own, form, as('web'))).seen.status, 200)
        // Between the look at the token and its use: upstreams may be asked in between, for seconds.
        RefreshToken.find = async (...given: unknown[]) => {
          const token = await found.apply(RefreshToken as never, given as never)
          await sessions.endAll(String(decodeJwt(id).sub) as never)
          return token as never
        }
        const late = await ask(own, form, as('web')).finally(() => {
          RefreshToken.find = found
        })
        assert.deepEqual([late.seen.status, late.access, late.refresh], [400, undefined, ''], way.name)
      }
    }
  })

  test('nothing is had any more after the end of the time, the session, the consent, the account', async () => {
    const sessionOnly = { scope: 'openid' }
    const ends: Record<string, { parameters?: Form; end(way: Way, sub: string): unknown }> = {
      'two weeks': { end: () => clock.advance(15 * 86_400) },
      'its session': {
        parameters: sessionOnly,
        end: (_, sub) => world.site.labgate.rooms.get('sessions').endAll(sub),
      },
      'its grant': {
        async end(_, sub) {
          const { artifacts } = world.site.labgate.rooms.get('storage')
          await artifacts.deleteByAccount(sub, ['Grant'])
        },
      },
      'the account': { end: (_, sub) => world.site.labgate.rooms.get('accounts').setState(sub, 'deactivated') },
    }
    for (const [what, { parameters = { scope: 'openid offline_access' }, end }] of Object.entries(ends)) {
      for (const isCode of [false, true]) {
        if (isCode && what === 'two weeks') continue
        const { status } = await both(async (way) => {
          const own = { ...way, browser: newBrowser() }
          const { id, refresh } = await ask(own, await codeFor(own, 'web', parameters), as('web'))
          const next = isCode
            ? await codeFor(own, 'web', parameters)
            : { grant_type: 'refresh_token', refresh_token: refresh }
          const sub = String(decodeJwt(id).sub)
          await end(way, sub)
          const late = await ask(way, next, as('web'))
          await world.site.labgate.rooms.get('accounts').setState(sub, 'active')
          return late
        })
        assert.equal(status, 400, what)
      }
    }
  })
})
