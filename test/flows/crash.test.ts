import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Database from 'better-sqlite3'
import * as client from 'openid-client'
import { type Party, party, titleOf } from '../support/flow.ts'
import { browser, callback, signInByEmail, testClients } from '../support/labgate.ts'
import { type VictimSite, victimSite } from '../support/labgate-process.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const ada = 'ada@example.org'

/** What lives through all rounds. */
interface World {
  readonly site: VictimSite
  readonly web: Party
  readonly third: Party
  /** Signed in as ada since the first round. */
  readonly agent: UserAgent
  readonly sub: string
  /** Of another browser of ada's, rotated in each round: nothing that happens elsewhere may end it. */
  refreshToken: string
}

/** One step of a flow: `act` is cut short; what is true afterwards is the answer. `held`: before or after the commit. */
interface Step {
  act(): Promise<unknown>
  check(held: 'before' | 'after'): Promise<void>
}

const isCallback = ({ url }: Page) => url.href.startsWith(callback)
const codeForm = (page: Page) => page.forms.find(({ fields }) => 'code' in fields)
const errorOf = (error: unknown) => (error as { error?: string }).error

async function withOfflineAccess(at: Party, agent: UserAgent, signIn: (url: URL) => Promise<Page>) {
  const asked = await at.request({ scope: 'openid offline_access', prompt: 'consent' })
  const page = await signIn(asked.url)
  const back = isCallback(page) ? page : await agent.press(page, /allow|continue/i)
  const tokens = await asked.redeem(back.url)
  assert.ok(tokens.refresh_token)
  return { ...tokens, refresh_token: tokens.refresh_token, sub: tokens.claims()?.sub }
}

async function signInAnew({ site, web }: World, agent: UserAgent, email: string): Promise<string | undefined> {
  const asked = await web.request()
  const start = await agent.open(asked.url)
  const page = isCallback(start) ? start : await signInByEmail(site, agent, { at: asked.url, email })
  assert.ok(isCallback(page), `a new start signs in: ${page.status} ${titleOf(page)}`)
  return (await asked.redeem(page.url)).claims()?.sub
}

/** A page of a sign-in that was lost says so; no page is ever a failure of the server. */
function assertGoesOnOrSaysSo(page: Page): void {
  if (isCallback(page) || page.status === 200) return
  assert.equal(page.status, 400, titleOf(page))
  assert.match(page.text, /took too long|is over|used before/)
  assert.match(page.text, /start again/i)
}

const steps = {
  async redeem({ web, agent }: World): Promise<Step> {
    const asked = await web.request()
    const { url: back } = await agent.open(asked.url)
    return {
      act: () => asked.redeem(back),
      async check(held) {
        if (held === 'before') {
          const tokens = await asked.redeem(back)
          assert.equal((await web.userinfo(tokens.access_token)).status, 200, 'a token that was issued can be used')
        }
        await assert.rejects(asked.redeem(back), (error) => errorOf(error) === 'invalid_grant')
      },
    }
  },
  async refresh(world: World): Promise<Step> {
    const { web } = world
    const renew = async () => {
      const tokens = await client.refreshTokenGrant(web.config, world.refreshToken)
      assert.equal((await web.userinfo(tokens.access_token)).status, 200)
      assert.ok(tokens.refresh_token)
      world.refreshToken = tokens.refresh_token
    }
    return { act: renew, check: renew }
  },
  async authorize({ web, agent }: World): Promise<Step> {
    const asked = await web.request()
    const again = async () => {
      const { url: back } = await agent.open(asked.url)
      await asked.redeem(back)
    }
    return { act: () => agent.open(asked.url), check: again }
  },
  async begin(world: World): Promise<Step> {
    const agent = browser()
    const email = freshAddress()
    const chooser = await agent.open((await world.web.request()).url)
    const submit = () =>
      agent.submit(
        chooser,
        chooser.forms.find(({ fields }) => 'email' in fields),
        { email },
        chooser.forms[0]?.buttons.find(({ action }) => action?.endsWith('/m/email'))?.action,
      )
    return {
      act: submit,
      async check() {
        assertGoesOnOrSaysSo(await submit())
        assert.ok(await signInAnew(world, agent, email))
      },
    }
  },
  async finish(world: World): Promise<Step> {
    const { site, web } = world
    const agent = browser()
    const email = freshAddress()
    const chooser = await agent.open((await web.request()).url)
    const button = chooser.forms[0]?.buttons.find(({ action }) => action?.endsWith('/m/email'))
    const page = await agent.submit(
      chooser,
      chooser.forms.find(({ fields }) => 'email' in fields),
      { email },
      button?.action,
    )
    const { code } = await site.mail(email)
    const submit = () => agent.submit(page, codeForm(page), { code })
    return {
      act: submit,
      async check() {
        assertGoesOnOrSaysSo(await submit())
        const sub = await signInAnew(world, agent, email)
        assert.ok(sub)
        assert.equal(await signInAnew(world, browser(), email), sub, 'one account, not two')
        assert.equal(count(site, 'SELECT count(*) AS n FROM account WHERE email = ?', email), 1)
      },
    }
  },
  async consent({ site, third, agent }: World): Promise<Step> {
    const start = async () => {
      const asked = await third.request({ prompt: 'consent' })
      return { asked, page: await agent.open(asked.url) }
    }
    const { page } = await start()
    return {
      act: () => agent.press(page, /allow/i),
      async check() {
        const again = await start()
        const back = await agent.press(again.page, /allow/i)
        const tokens = await again.asked.redeem(back.url)
        assert.equal((await third.userinfo(tokens.access_token)).status, 200)
        assert.ok(site.issuer)
      },
    }
  },
  async signOut(world: World): Promise<Step> {
    const { site, web } = world
    const agent = browser()
    const asked = await web.request()
    const back = await signInByEmail(site, agent, { at: asked.url, email: freshAddress() })
    const tokens = await asked.redeem(back.url)
    const account = `${site.issuer}/account`
    const page = await agent.open(account)
    const isOut = async () => (await web.silent(agent)).error === 'login_required'
    return {
      act: () => agent.press(page, 'Sign out here'),
      async check() {
        if (!(await isOut())) await agent.press(await agent.open(account), 'Sign out here')
        assert.ok(await isOut())
        assert.equal((await web.userinfo(tokens.access_token)).status, 401, 'who is signed out leaves no token behind')
      },
    }
  },
  async relyingPartyLogout(world: World): Promise<Step> {
    const { site, web } = world
    const agent = browser()
    const asked = await web.request()
    const back = await signInByEmail(site, agent, { at: asked.url, email: freshAddress() })
    const tokens = await asked.redeem(back.url)
    const ask = () => agent.open(client.buildEndSessionUrl(web.config, { id_token_hint: tokens.id_token ?? '' }))
    const page = await ask()
    const isOut = async () => (await web.silent(agent)).error === 'login_required'
    return {
      act: () => agent.press(page, /sign out/i),
      async check() {
        if (!(await isOut())) await agent.press(await ask(), /sign out/i)
        assert.ok(await isOut())
        assert.equal((await web.userinfo(tokens.access_token)).status, 401, 'who is signed out leaves no token behind')
      },
    }
  },
  async cleanUp({ site, web, agent }: World): Promise<Step> {
    const asked = await web.request()
    const { url: back } = await agent.open(asked.url)
    return {
      act: () => site.clean(3600),
      // An hour later the code is expired, and may be deleted or not.
      check: async () =>
        void (await asked.redeem(back).catch((error) => assert.equal(errorOf(error), 'invalid_grant'))),
    }
  },
}

let addresses = 0
function freshAddress(): string {
  addresses += 1
  return `person-${addresses}@example.org`
}

function count({ folder }: VictimSite, query: string, ...values: string[]): number {
  const database = new Database(join(folder, 'labgate.db'), { readonly: true })
  try {
    return (database.prepare(query).get(...values) as { n: number }).n
  } finally {
    database.close()
  }
}

function checkDatabase(site: VictimSite): void {
  const database = new Database(join(site.folder, 'labgate.db'))
  assert.equal(database.pragma('integrity_check', { simple: true }), 'ok')
  database.close()
  const orphans = 'SELECT count(*) AS n FROM account WHERE id NOT IN (SELECT account_id FROM identity)'
  assert.equal(count(site, orphans), 0, 'no account without a way in')
}

/** What must be true after every round, whatever was cut short. */
async function checkAll(world: World): Promise<void> {
  const { web, agent } = world
  const asked = await web.request({ prompt: 'none' })
  const { url: back } = await agent.open(asked.url)
  const tokens = await asked.redeem(back)
  assert.equal(tokens.claims()?.sub, world.sub, 'who was signed in still is')
  const renewed = await client.refreshTokenGrant(web.config, world.refreshToken)
  assert.ok(renewed.refresh_token, 'the older refresh token still works')
  world.refreshToken = renewed.refresh_token
}

/** Each step, and the points where it is held: at their first passing, or at each or every other one in turn. */
const cases: readonly (readonly [keyof typeof steps, string, 'first' | 'each' | 'other'])[] = [
  ['authorize', 'before-commit', 'first'],
  ['authorize', 'after-commit', 'first'],
  ['begin', 'before-commit', 'first'],
  ['begin', 'after-commit', 'first'],
  ['finish', 'before-commit', 'first'],
  ['finish', 'after-commit', 'other'],
  ['finish', 'before-orm-commit', 'first'],
  ['finish', 'after-orm-commit', 'first'],
  ['redeem', 'before-commit', 'first'],
  ['redeem', 'after-commit', 'first'],
  ['refresh', 'before-commit', 'first'],
  ['refresh', 'after-commit', 'first'],
  ['consent', 'before-commit', 'first'],
  ['consent', 'after-commit', 'each'],
  ['signOut', 'before-commit', 'first'],
  ['signOut', 'after-commit', 'each'],
  ['relyingPartyLogout', 'before-commit', 'first'],
  ['relyingPartyLogout', 'after-commit', 'each'],
  ['cleanUp', 'before-cleanup-step', 'first'],
  ['cleanUp', 'after-cleanup-step', 'first'],
  ['cleanUp', 'before-commit', 'first'],
]
const mostPassings = 12

/** One round: says whether the step came by the point that often. */
async function round(world: World, at: { name: keyof typeof steps; point: string; passing: number }): Promise<boolean> {
  const { site } = world
  await site.ensure()
  const step = await steps[at.name](world)
  await site.hold(at.point, at.passing)
  const end = step.act().then(
    () => 'answered',
    () => 'failed',
  )
  // Cleaning up is ordered, not asked for: there is no answer to wait for.
  const first = at.name === 'cleanUp' ? await site.held() : await Promise.race([end, site.held()])
  if (first === 'answered') {
    // A write-behind may still come by the point, and then nobody would take the next order.
    if ((await Promise.race([site.hold('none'), site.held()])) === 'held') await site.kill()
    return false
  }
  await site.kill()
  if (at.name !== 'cleanUp') assert.equal(await end, 'failed', 'no answer left')
  checkDatabase(site)
  await site.start()
  await step.check(at.point.startsWith('before') ? 'before' : 'after')
  await checkAll(world)
  return true
}

describe('a Labgate killed (SIGKILL) in the middle of a step', () => {
  let world: World
  before(async () => {
    const site = await victimSite()
    await site.start()
    const web = await party(site)
    const third = await party(site, { id: 'third', secret: testClients.third.secret })
    const [agent, other] = [browser(), browser()]
    const signIn = (who: UserAgent) => (at: URL) => signInByEmail(site, who, { at, email: ada })
    const kept = await withOfflineAccess(web, other, signIn(other))
    const { sub } = await withOfflineAccess(web, agent, signIn(agent))
    assert.ok(sub !== undefined && sub === kept.sub)
    world = { site, web, third, agent, sub, refreshToken: kept.refresh_token }
  })
  after(() => world.site.close())

  let rounds = 0
  for (const [name, point, which] of cases)
    test(`${name}, held ${point}: nothing told is lost, nothing works twice, a new start works`, async () => {
      let passing = 1
      while (passing <= mostPassings && (await round(world, { name, point, passing }))) {
        rounds += 1
        passing += which === 'other' ? 2 : 1
        if (which === 'first') break
      }
      assert.ok(passing > 1, `${name} comes by ${point}`)
    })
  test('that was at least 20 rounds', () => assert.ok(rounds >= 20, String(rounds)))
})
