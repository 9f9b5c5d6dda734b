import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import * as client from 'openid-client'
import { createAccounts } from '../../core/accounts/accounts.ts'
import { systemRandom } from '../../core/random.ts'
import { AccountEntity } from '../../core/storage/entities.ts'
import { openStorage, type Storage } from '../../core/storage/storage.ts'
import { type Party, party, titleOf } from '../support/flow.ts'
import { browser, callback, relyingParty, signInByEmail, testClients } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { type Pair, startPair } from '../support/pair.ts'
import { complainTo } from '../support/storage.ts'
import { newDatabase, targetOf } from '../support/storage-postgres.ts'
import type { Page } from '../support/user-agent.ts'

const datasets = { fish: { title: 'Fish' } }
const isCallback = ({ url }: Page) => url.href.startsWith(callback)
const errorOf = (error: unknown) => (error as { error?: string }).error

suite('two processes on one PostgreSQL, without sticky sessions', { skip: needs('postgres') }, () => {
  let pair: Pair
  let web: Party
  let beside: Storage
  const agent = browser()

  before(async () => {
    const url = await newDatabase()
    pair = await startPair(url, { datasets })
    web = await party(pair)
    beside = await openStorage({
      postgres: targetOf(url),
      clock: { now: () => new Date() },
      keys: ['a sealing key that both processes of this test have'],
      log: complainTo([]),
    })
  })
  after(async () => {
    await beside?.close()
    await pair?.close()
  })

  test('that start at once make what the config says once, with one set of keys', async () => {
    assert.equal((await beside.audit.list({ type: 'ledger.seeded', limit: 9 })).length, 1)
    const sets = await Promise.all(pair.members.map(async () => (await fetch(`${pair.issuer}/oidc/jwks`)).text()))
    assert.match(sets[0] ?? '', /"kid"/)
    assert.equal(sets[0], sets[1])
    assert.equal(new Set(pair.members.map(({ firstAdminCode }) => firstAdminCode)).size, 2)
  })

  test('a sign-in and a code flow go from one to the other at every step', async () => {
    const asked = await web.request()
    const back = await signInByEmail(pair, agent, { at: asked.url, email: 'ada@example.org' })
    assert.ok(isCallback(back), titleOf(back))
    const tokens = await asked.redeem(back.url)
    for (const _ of pair.members) assert.equal((await web.userinfo(tokens.access_token)).status, 200)
    for (const member of pair.members) assert.ok(member.answered() > 3, 'both took part')
  })

  test('the code of whichever start makes the first admin, once', async () => {
    const codes = pair.members.map(({ firstAdminCode }) => firstAdminCode ?? '')
    assert.ok(codes.every((code) => code !== ''))
    const page = await agent.open(`${pair.issuer}/account/first-admin`)
    const form = page.forms.find(({ fields }) => 'code' in fields)
    await agent.submit(page, form, { code: codes[0] ?? '' })
    assert.equal(await beside.em().count(AccountEntity, { role: 'admin' }), 1)
  })

  test('a code that is redeemed at both at once is taken by one', async () => {
    const asked = await web.request()
    const back = await agent.open(asked.url)
    const tries = await Promise.allSettled(Array.from({ length: 6 }, () => asked.redeem(back.url)))
    const won = tries.filter(({ status }) => status === 'fulfilled')
    assert.equal(won.length, 1)
    for (const lost of tries) if (lost.status === 'rejected') assert.equal(errorOf(lost.reason), 'invalid_grant')
  })

  test('a code that was redeemed at one and comes again at the other ends what came of it, at both', async () => {
    const asked = await web.request()
    const code = (await agent.open(asked.url)).url.searchParams.get('code') ?? assert.fail('no code')
    const grant = { grant_type: 'authorization_code', code, redirect_uri: callback, code_verifier: asked.verifier }
    const authorization = `Basic ${Buffer.from(`web:${testClients.web.secret}`).toString('base64')}`
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
    const raw = String(new URLSearchParams(grant))
    const [first, again] = [
      await pair.members[0].ask('POST', '/oidc/token', { headers, raw }),
      await pair.members[1].ask('POST', '/oidc/token', { headers, raw }),
    ]
    const [given, refused] = [first.body, again.body] as Record<string, string>[]
    assert.deepEqual([first.status, again.status, refused?.error], [200, 400, 'invalid_grant'])
    for (const _ of pair.members) assert.equal((await web.userinfo(given?.access_token ?? '')).status, 401)
  })

  test('a token that is revoked at one is nothing at the other, and so is a session that ended', async () => {
    const { request, config } = await relyingParty(pair.issuer)
    const asked = await request({ scope: 'openid offline_access', prompt: 'consent' })
    const page = await agent.open(asked.url)
    const back = isCallback(page) ? page : await agent.press(page, /allow|continue/i)
    const tokens = await asked.redeem(back.url)
    await client.tokenRevocation(config, tokens.refresh_token ?? assert.fail('no refresh token'))
    for (const _ of pair.members)
      await assert.rejects(
        client.refreshTokenGrant(config, tokens.refresh_token ?? ''),
        (error) => errorOf(error) === 'invalid_grant',
      )
    const account = tokens.claims()?.sub ?? ''
    await beside.sessions.endByAccount(account)
    for (const _ of pair.members) {
      const again = await agent.open((await web.request({ prompt: 'none' })).url)
      assert.equal(again.url.searchParams.get('error'), 'login_required')
    }
  })

  test('who is shut out by another process is out at both at once, and in again when let in', async () => {
    const asked = await web.request()
    const back = await signInByEmail(pair, browser(), { at: asked.url, email: 'cleo@example.org' })
    const tokens = await asked.redeem(back.url)
    const statuses = async () => {
      const answers = [...pair.members, ...pair.members].map(
        async () => (await web.userinfo(tokens.access_token)).status,
      )
      return new Set(await Promise.all(answers))
    }
    // Each process has just looked, and keeps what it saw.
    assert.deepEqual(await statuses(), new Set([200]))
    const accounts = createAccounts({ storage: beside, clock: { now: () => new Date() }, random: systemRandom })
    const account = tokens.claims()?.sub ?? ''
    await accounts.setState(account, 'deactivated')
    assert.deepEqual(await statuses(), new Set([401]))
    await accounts.setState(account, 'active')
    assert.deepEqual(await statuses(), new Set([200]))
  })

  test('one that is killed in the middle of a sign-in is not missed', async () => {
    const fresh = browser()
    const asked = await web.request()
    const chooser = await fresh.open(asked.url)
    const form = chooser.forms.find(({ fields }) => 'email' in fields)
    const step = await fresh.submit(chooser, form, { email: 'bob@example.org' }, form?.buttons[0]?.action)
    const { code } = await pair.mail('bob@example.org')
    await pair.members[0].kill()
    const done = await fresh.submit(
      step,
      step.forms.find(({ fields }) => 'code' in fields),
      { code },
    )
    assert.ok(isCallback(done), titleOf(done))
    const tokens = await asked.redeem(done.url)
    assert.equal((await web.userinfo(tokens.access_token)).status, 200)
  })
})
