/** A code flow on PostgreSQL that ends between two of its commits, or does not learn of one: by SIGKILL, by a connection that is cut. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import pg from 'pg'
import { clientConfig } from '../../core/storage/postgres/client.ts'
import { type CutWay, cutWay } from '../support/cut.ts'
import { type Party, party, titleOf } from '../support/flow.ts'
import { browser, callback, signInByEmail, startLabgate, type TestLabgate, testClients } from '../support/labgate.ts'
import { type VictimSite, victimSite } from '../support/labgate-process.ts'
import { needs } from '../support/needs.ts'
import { newDatabase, targetOf } from '../support/storage-postgres.ts'
import type { Page } from '../support/user-agent.ts'

const isCallback = ({ url }: Page) => url.href.startsWith(callback)
const errorOf = (error: unknown) => (error as { error?: string }).error

/** Looks at the tables past Labgate. */
async function observer(url: string) {
  const client = new pg.Client(clientConfig(targetOf(url)))
  await client.connect()
  const count = async (text: string, ...values: string[]) =>
    Number((await client.query(`SELECT count(*) AS n FROM ${text}`, values)).rows[0].n)
  return { count, end: () => client.end() }
}
type Observer = Awaited<ReturnType<typeof observer>>

suite('a Labgate on PostgreSQL killed (SIGKILL) between two commits', { skip: needs('postgres') }, () => {
  let site: VictimSite
  let web: Party
  let seen: Observer
  const email = 'ada@example.org'
  const known = browser()

  before(async () => {
    const url = await newDatabase()
    seen = await observer(url)
    site = await victimSite(url)
    await site.start()
    web = await party(site)
    const asked = await web.request()
    await asked.redeem((await signInByEmail(site, known, { at: asked.url, email })).url)
  })
  after(async () => {
    await site?.close()
    await seen?.end()
  })

  /** Cut short where it came by a point that often; `false`: it does not come by so often. */
  const cutShort = async (act: () => Promise<unknown>, point: string, passing: number) => {
    await site.hold(point, passing)
    const end = act().then(
      () => 'answered',
      () => 'failed',
    )
    if ((await Promise.race([end, site.held()])) === 'answered') {
      await site.hold('none')
      return false
    }
    await site.kill()
    assert.equal(await end, 'failed', 'no answer left')
    await site.start()
    return true
  }

  /** Whatever was cut short. */
  const nothingHalf = async (address: string) => {
    assert.equal(
      await seen.count('account WHERE id NOT IN (SELECT account_id FROM identity)'),
      0,
      'no account without a way in',
    )
    assert.equal(await seen.count('account WHERE email = $1', address), 1, 'one account, not two')
    const line = `SELECT 1 FROM audit_event e WHERE e.type = 'sign-in.done' AND e.account = s.account`
    assert.equal(await seen.count(`browser_session s WHERE NOT EXISTS (${line})`), 0, 'no session without its line')
  }

  test('of a first sign-in: whoever asks again goes on or begins anew, as one account', async () => {
    let rounds = 0
    for (let isOver = false; !isOver; ) {
      const agent = browser()
      const address = `new-${rounds}@example.org`
      const asked = await web.request()
      const chooser = await agent.open(asked.url)
      const form = chooser.forms.find(({ fields }) => 'email' in fields)
      const step = await agent.submit(chooser, form, { email: address }, form?.buttons[0]?.action)
      const { code } = await site.mail(address)
      const submit = () =>
        agent.submit(
          step,
          step.forms.find(({ fields }) => 'code' in fields),
          { code },
        )
      // Every third one.
      isOver = !(await cutShort(submit, 'after-commit', 1 + 3 * rounds))
      if (isOver) break
      rounds += 1
      const page = await submit()
      if (!isCallback(page))
        assert.match(page.text, /took too long|is over|used before/, `${page.status} ${titleOf(page)}`)
      const anew = await web.request()
      const start = await agent.open(anew.url)
      const back = isCallback(start) ? start : await signInByEmail(site, agent, { at: anew.url, email: address })
      const tokens = await anew.redeem(back.url)
      assert.equal((await web.userinfo(tokens.access_token)).status, 200)
      await nothingHalf(address)
    }
    assert.ok(rounds >= 3, String(rounds))
  })

  test('of a code: it counts once, before the commit for whoever asks again, after it for nobody', async () => {
    for (const point of ['before-commit', 'after-commit']) {
      const asked = await web.request()
      const { url: back } = await known.open(asked.url)
      assert.ok(await cutShort(() => asked.redeem(back), point, 1))
      if (point === 'before-commit') {
        const tokens = await asked.redeem(back)
        assert.equal((await web.userinfo(tokens.access_token)).status, 200)
      }
      await assert.rejects(asked.redeem(back), (error) => errorOf(error) === 'invalid_grant')
      await nothingHalf(email)
    }
    const anew = await web.request({ prompt: 'none' })
    assert.ok((await anew.redeem((await known.open(anew.url)).url)).id_token, 'who was signed in still is')
  })
})

suite('a Labgate on PostgreSQL that does not learn whether a COMMIT was done', { skip: needs('postgres') }, () => {
  let way: CutWay
  let site: TestLabgate
  let web: Party
  let seen: Observer
  const agent = browser()
  const basic = `Basic ${Buffer.from(`web:${testClients.web.secret}`).toString('base64')}`

  before(async () => {
    const url = await newDatabase()
    seen = await observer(url)
    way = await cutWay(url)
    site = await startLabgate({ database: { url: way.url, connections: 10 } })
    web = await party(site)
    const asked = await web.request()
    await asked.redeem((await signInByEmail(site, agent, { at: asked.url, email: 'ada@example.org' })).url)
  })
  after(async () => {
    await site?.stop()
    await way?.close()
    await seen?.end()
  })

  const post = async (form: Record<string, string>) => {
    const body = new URLSearchParams(form)
    return fetch(`${site.issuer}/oidc/token`, { method: 'POST', headers: { authorization: basic }, body })
  }
  /** What a request for tokens hears whose COMMIT is done and cut off. */
  const cut = async (who: 'one' | 'all', form: Record<string, string>) => {
    const isCut = way.cutNextCommit(who)
    const answer = await post(form)
    await isCut
    way.mend()
    const body = (await answer.json()) as { readonly access_token?: string; readonly error?: string }
    return { ...body, status: answer.status, wait: Number(answer.headers.get('retry-after')) }
  }
  const refreshToken = async () => {
    const asked = await web.request({ scope: 'openid offline_access', prompt: 'consent' })
    const page = await agent.open(asked.url)
    const back = isCallback(page) ? page : await agent.press(page, /allow|continue/i)
    return (await asked.redeem(back.url)).refresh_token ?? assert.fail('no refresh token')
  }
  const codeForm = async () => {
    const asked = await web.request()
    const code = (await agent.open(asked.url)).url.searchParams.get('code') ?? assert.fail('no code')
    return { grant_type: 'authorization_code', code, redirect_uri: callback, code_verifier: asked.verifier }
  }
  const reuses = () => seen.count(`audit_event WHERE type = 'token.reused'`)

  test('looks whether it was, and answers as if nothing had happened', async () => {
    const refresh_token = await refreshToken()
    const refreshed = await cut('one', { grant_type: 'refresh_token', refresh_token })
    assert.equal(refreshed.status, 200)
    const redeemed = await cut('one', await codeForm())
    assert.equal(redeemed.status, 200)
    for (const { access_token: token = '' } of [refreshed, redeemed])
      assert.equal((await web.userinfo(token)).status, 200)
    assert.equal(await reuses(), 0)
  })

  test('a refresh token is good when it is sent again as soon as it was said, and its family lives', async () => {
    const form = { grant_type: 'refresh_token', refresh_token: await refreshToken() }
    const { status, error, wait } = await cut('all', form)
    assert.deepEqual([status, error], [503, 'server_error'])
    // A used one is good again for five seconds, of which a part of one may be gone.
    assert.ok(wait > 0 && wait < 4, String(wait))
    const again = await post(form)
    assert.equal(again.status, 200)
    const { refresh_token: next } = (await again.json()) as { refresh_token: string }
    assert.equal((await post({ ...form, refresh_token: next })).status, 200)
    assert.equal(await reuses(), 0)
  })

  test('a code is used, and refused when it is sent again; the person is still signed in', async () => {
    const form = await codeForm()
    const { status, error, wait } = await cut('all', form)
    assert.deepEqual([status, error], [503, 'server_error'])
    assert.ok(wait > 0)
    const again = await post(form)
    assert.deepEqual([again.status, ((await again.json()) as { error: string }).error], [400, 'invalid_grant'])
    const anew = await web.request({ prompt: 'none' })
    assert.ok((await anew.redeem((await agent.open(anew.url)).url)).id_token)
  })
})
