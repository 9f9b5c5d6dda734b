import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { type Done, labgate, startCommand, writeConfig } from '../../support/command-line.ts'
import {
  browser,
  callback,
  relyingParty,
  signInByEmail,
  startLabgate,
  type TestLabgate,
  testClients,
} from '../../support/labgate.ts'
import { type RelyingPartyServer, startRelyingPartyServer } from '../../support/relying-party-server.ts'

describe('accounts, clients and keys by command, beside a running server', () => {
  let site: TestLabgate
  let party: RelyingPartyServer
  let cwd = ''
  before(async () => {
    party = await startRelyingPartyServer(() => ({ issuer: site.issuer, audience: 'web' }))
    const clients = { ...testClients, web: { ...testClients.web, backchannelLogoutUri: party.backchannelLogoutUri } }
    site = await startLabgate({ clients })
    cwd = site.folder
    await writeConfig(cwd, {
      issuer: site.issuer,
      demo: true,
      data: cwd,
      mail: { from: { address: 'lab@example.org' }, outbox: `${cwd}/outbox` },
      egress: { allow: ['127.0.0.0/8'] },
      plugins: { email: { use: '@labgate/auth-email' } },
      clients,
    })
  })
  after(async () => {
    await site.stop()
    await party.close()
  })

  const run = (...argv: string[]): Promise<Done> => startCommand([...argv, '--config', 'labgate.yaml'], { cwd }).done
  /** For what only reads: quicker. */
  const ask = (...argv: string[]): Promise<Done> => labgate([...argv, '--config', 'labgate.yaml'], { cwd })
  const signIn = async (email: string) => {
    const rp = await relyingParty(site.issuer)
    const { url, redeem } = await rp.request({ scope: 'openid profile email offline_access', prompt: 'consent' })
    const agent = browser()
    const asked = await signInByEmail(site, agent, { at: url, email })
    const page = await agent.press(asked, 'Allow')
    assert.equal(page.url.origin + page.url.pathname, callback, page.text)
    return { rp, agent, tokens: await redeem(page.url) }
  }
  const trail = async (type: string) => site.labgate.rooms.get('storage').audit.list({ type, limit: 10 })

  test('deactivation ends sessions and tokens in the running server at once and tells relying parties', async () => {
    const { rp, agent, tokens } = await signIn('ada@example.org')
    const { sub = '' } = tokens.claims() ?? {}
    await client.fetchUserInfo(rp.config, tokens.access_token, sub)
    const { code, out, err } = await run('account', 'deactivate', 'ada', '--json')
    assert.equal(code, 0, err)
    assert.deepEqual([JSON.parse(out).id, JSON.parse(out).state], [sub, 'deactivated'])
    await assert.rejects(client.fetchUserInfo(rp.config, tokens.access_token, sub))
    await assert.rejects(client.refreshTokenGrant(rp.config, tokens.refresh_token ?? assert.fail('no refresh token')), {
      error: 'invalid_grant',
    })
    assert.ok(!(await agent.open(`${site.issuer}/account`)).url.pathname.startsWith('/account'))
    assert.deepEqual(party.failures(), [])
    assert.deepEqual(
      party.received().map((token) => token.sub),
      [sub],
    )
    const [event] = await trail('account.deactivated')
    assert.deepEqual([event?.actor, event?.account], ['command', sub])
  })

  test('an activated account may come in again', async () => {
    const { code, out } = await run('account', 'activate', 'ada')
    assert.deepEqual([code, out], [0, 'ada is active.\n'])
    await signIn('ada@example.org')
    assert.equal((await trail('account.activated'))[0]?.actor, 'command')
  })

  test('sign-out ends every session and token, and the account may sign in again', async () => {
    const { rp, agent, tokens } = await signIn('bob@example.org')
    const listed = await ask('account', 'sessions', 'bob', '--json')
    assert.equal(JSON.parse(listed.out)[0].instance, 'email')
    const { code, out, err } = await run('account', 'sign-out', 'bob')
    assert.deepEqual([code, out], [0, 'bob is signed out; sessions ended: 1.\n'], err)
    await assert.rejects(client.refreshTokenGrant(rp.config, tokens.refresh_token ?? ''), { error: 'invalid_grant' })
    await assert.rejects(client.fetchUserInfo(rp.config, tokens.access_token, tokens.claims()?.sub ?? ''))
    assert.ok(!(await agent.open(`${site.issuer}/account`)).url.pathname.startsWith('/account'))
    assert.equal((await trail('sign-out.everywhere'))[0]?.actor, 'command')
    await signIn('bob@example.org')
  })

  test('one session of several ends, by its handle', async () => {
    await signIn('eva@example.org')
    const { agent } = await signIn('eva@example.org')
    const handles = async () =>
      JSON.parse((await ask('account', 'sessions', 'eva', '--json')).out).map(
        ({ handle }: { handle: string }) => handle,
      )
    const [gone = '', ...rest] = await handles()
    const { code, out, err } = await run('account', 'sessions', 'eva', '--end', gone)
    assert.deepEqual([code, out], [0, 'A session of eva has ended.\n'], err)
    assert.deepEqual(await handles(), rest)
    assert.equal(rest.length, 1)
    assert.equal((await trail('session.revoked'))[0]?.actor, 'command')
    assert.notEqual((await run('account', 'sessions', 'eva', '--end', gone)).code, 0)
    await run('account', 'sessions', 'eva', '--end', rest[0] ?? '')
    assert.ok(!(await agent.open(`${site.issuer}/account`)).url.pathname.startsWith('/account'))
  })

  test('a way to sign in is taken away, and of an active account never the last one', async () => {
    const [{ id }] = JSON.parse((await ask('account', 'show', 'eva', '--json')).out).identities
    const last = await run('account', 'unlink', 'eva', id)
    assert.notEqual(last.code, 0)
    assert.match(last.err, /Deactivate the account first/)
    assert.notEqual((await run('account', 'unlink', 'bob', id)).code, 0, 'of another account')
    await run('account', 'deactivate', 'eva')
    const { code, out, err } = await run('account', 'unlink', 'eva', id)
    assert.deepEqual([code, out], [0, 'eva does not sign in by email as eva@example.org any more.\n'], err)
    assert.deepEqual(JSON.parse((await ask('account', 'show', 'eva', '--json')).out).identities, [])
    assert.equal((await trail('identity.unlinked'))[0]?.actor, 'command')
  })

  test('role makes an admin, by id or username, and writes from what to what', async () => {
    assert.equal((await run('account', 'role', 'bob', 'admin')).out, 'bob is admin.\n')
    const [event] = await trail('account.role-changed')
    assert.deepEqual(event?.detail, { from: 'user', to: 'admin' })
    const shown = JSON.parse((await ask('account', 'show', event?.account ?? '', '--json')).out)
    assert.deepEqual([shown.username, shown.role, shown.sessions], ['bob', 'admin', 1])
    assert.equal(shown.identities[0].instance, 'email')
    assert.ok(shown.identities[0].facts.some((fact: { claim: string }) => fact.claim === 'email'))
  })

  test('list finds by text, state and role', async () => {
    const names = async (...more: string[]) =>
      JSON.parse((await ask('account', 'list', '--json', ...more)).out).map((row: { username: string }) => row.username)
    assert.deepEqual(await names(), ['eva', 'bob', 'ada'])
    assert.deepEqual(await names('--search', 'ADA@'), ['ada'])
    assert.deepEqual(await names('--role', 'admin'), ['bob'])
    assert.deepEqual(await names('--state', 'pending'), [])
    assert.match(
      (await ask('account', 'list')).out,
      /^USERNAME +KIND +STATE +ROLE .*\neva +person +deactivated .*\nbob +person +active +admin /,
    )
  })

  test('client show previews what an account would give it, each claim with its source', async () => {
    const { out } = await ask('client', 'show', 'web', '--account', 'ada', '--json')
    const { claims, secret } = JSON.parse(out)
    const email = claims.find((row: { claim: string }) => row.claim === 'email')
    assert.deepEqual([email.scope, email.value], ['email', 'ada@example.org'])
    assert.match(email.source, /verified/)
    assert.equal(secret, undefined)
    assert.ok(!out.includes(testClients.web.secret))
  })

  test('a client added by command works at once, with its new secret only, until it is removed', async () => {
    const token = async (secret: string) => {
      const body = new URLSearchParams({ grant_type: 'client_credentials' })
      const headers = { authorization: `Basic ${Buffer.from(`robot:${secret}`).toString('base64')}` }
      return (await fetch(`${site.issuer}/oidc/token`, { method: 'POST', body, headers })).status
    }
    const added = await run('client', 'add', 'robot', '--grant-type', 'client_credentials', '--json')
    const { secret } = JSON.parse(added.out)
    assert.equal(await token(secret), 200)
    const renewed = JSON.parse((await run('client', 'secret', 'robot', '--json')).out)
    assert.notEqual(renewed.secret, secret)
    assert.deepEqual([await token(secret), await token(renewed.secret)], [401, 200])
    assert.equal((await run('client', 'remove', 'robot')).out, 'Removed robot.\n')
    assert.equal(await token(renewed.secret), 401)
    const types = await Promise.all(['client.added', 'client.changed', 'client.removed'].map(trail))
    assert.deepEqual(
      types.map(([event]) => [event?.client, event?.actor]),
      Array(3).fill(['robot', 'command']),
    )
    assert.ok(!JSON.stringify(types).includes(secret))
  })

  test('clients of the config file are not changed by command', async () => {
    for (const argv of [
      ['add', 'web', '--redirect-uri', callback],
      ['secret', 'web'],
      ['remove', 'web'],
    ]) {
      const { code, err } = await run('client', ...argv)
      assert.equal(code, 1)
      assert.match(err, /^labgate: ERR_CONFLICT\n/)
    }
  })

  test('keys are published, used, retired and removed by command, and the running server needs no restart', async () => {
    const published = async () => {
      await site.labgate.renewKeys()
      const { keys } = (await (await fetch(`${site.issuer}/oidc/jwks`)).json()) as { keys: { kid: string }[] }
      return keys.map(({ kid }) => kid)
    }
    const stages = async () =>
      (JSON.parse((await ask('keys', 'list', '--json')).out).signing as { kid: string; alg: string; state: string }[])
        .filter(({ alg }) => alg === 'ES256')
        .map(({ state }) => state)
        .toSorted()
    const before = await published()
    const [made, ...none] = JSON.parse((await run('keys', 'rotate', '--alg', 'ES256', '--json')).out)
    assert.deepEqual([made.alg, made.state, none], ['ES256', 'next', []])
    assert.deepEqual((await trail('keys.rotated'))[0]?.detail, { kid: made.kid, alg: 'ES256', stage: 'next' })
    assert.deepEqual((await published()).toSorted(), [...before, made.kid].toSorted())
    assert.deepEqual(await stages(), ['current', 'next'])
    const [again] = JSON.parse((await run('keys', 'rotate', '--alg', 'ES256', '--json')).out)
    assert.equal(again.kid, made.kid)
    const [now] = JSON.parse((await run('keys', 'rotate', '--alg', 'ES256', '--now', '--json')).out)
    assert.equal(now.state, 'current')
    assert.deepEqual(await stages(), ['current', 'next', 'retired'])
    const former = before.find((kid) => kid.startsWith('es256')) ?? assert.fail()
    assert.ok((await published()).includes(former))
    assert.match((await ask('keys', 'remove', now.kid)).err, /ERR_CONFLICT/)
    await run('keys', 'remove', former)
    assert.ok(!(await published()).includes(former))
  })
})

test('keys new prints another key each time, long enough to seal with, and needs no config', async () => {
  const [one, other] = await Promise.all([
    labgate(['keys', 'new'], { cwd: '/' }),
    labgate(['keys', 'new'], { cwd: '/' }),
  ])
  assert.ok(one.out.trim().length >= 32)
  assert.notEqual(one.out, other.out)
})

test('a wrong word exits with 2 before anything is opened', async () => {
  for (const argv of [
    ['account', 'role', 'ada', 'king'],
    ['account', 'role', 'ada'],
    ['account', 'list', '--state', 'gone'],
    ['account', 'list', '--limit', '0'],
    ['keys', 'rotate', '--alg', 'HS256'],
    ['account'],
  ]) {
    const { code, out } = await labgate(argv, { cwd: '/' })
    assert.deepEqual([code, out], [2, ''], argv.join(' '))
  }
})
