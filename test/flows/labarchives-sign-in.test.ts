import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { textOf } from '../support/flow.ts'
import { type LabArchives, labKey, labPeople, startLabArchives } from '../support/labarchives.ts'
import { browser, callback, relyingParty, startLabgate, type TestLabgate } from '../support/labgate.ts'
import type { UserAgent } from '../support/user-agent.ts'

const uid = labPeople[0]?.uid ?? ''

describe('sign-in with LabArchives at a relying party', () => {
  let lab: LabArchives
  let site: TestLabgate
  before(async () => {
    lab = await startLabArchives()
    site = await startLabgate({
      plugins: {
        email: { use: '@labgate/auth-email' },
        labarchives: {
          use: '@labgate/auth-labarchives',
          config: { baseUrl: lab.origin, ...labKey, minIntervalMs: 0, manual: 'offered' },
        },
      },
      claims: {
        labarchives: {
          labarchives_region: 'fact:labarchives_region',
          labarchives_notebooks: 'fact:labarchives_notebooks',
        },
      },
    })
  })
  after(async () => {
    await site.stop()
    await lab.close()
  })

  const party = async (scope = 'openid profile email labarchives') => {
    const rp = await relyingParty(site.issuer)
    const { url, redeem } = await rp.request({ scope })
    const learn = async (back: URL) => {
      const tokens = await redeem(back)
      const sub = tokens.claims()?.sub ?? ''
      return { sub, info: await client.fetchUserInfo(rp.config, tokens.access_token, sub) }
    }
    return { url, learn }
  }
  /** From the chooser to their page, as `login`. */
  const throughPage = async (agent: UserAgent, at: URL, login: string) => {
    const theirs = await agent.press(await agent.open(at), 'Continue with LabArchives')
    assert.equal(theirs.url.origin, lab.origin)
    return agent.press(theirs, new RegExp(`^${login}$`))
  }

  test('a person signs in there, and the relying party learns who they are and which notebooks they have', async () => {
    const { url, learn } = await party()
    const page = await throughPage(browser(), url, 'ada')
    assert.equal(page.url.origin + page.url.pathname, callback, page.text)
    const { info } = await learn(page.url)
    assert.equal(info.email, 'ada@example.org')
    assert.equal(info.email_verified, true)
    assert.equal(info.labarchives_region, new URL(lab.origin).host)
    assert.deepEqual(
      (info.labarchives_notebooks as { name: string }[]).map(({ name }) => name),
      ['Engine "A" & notes', 'Bernoulli'],
    )
    assert.ok(!JSON.stringify(info).includes(uid.slice(0, 9)))
  })

  test('by a one-hour code typed on a page they are the same person', async () => {
    const byPage = await party()
    const { sub } = await byPage.learn((await throughPage(browser(), byPage.url, 'ada')).url)
    const byCode = await party()
    const agent = browser()
    const form = await agent.press(await agent.open(byCode.url), 'Continue with LabArchives', { manual: 'on' })
    const wrong = await agent.press(form, 'Sign in', { email: 'ada@example.org', code: 'no-such-code' })
    assert.match(textOf(wrong), /does not accept this address and code together/)
    const back = await agent.press(wrong, 'Sign in', { email: 'ada@example.org', code: lab.code('ada') })
    assert.equal((await byCode.learn(back.url)).sub, sub)
  })

  test('the answer works in the browser that began, and once (labapi 3.6)', async () => {
    const victim = browser()
    const { url } = await party()
    const theirs = await victim.press(await victim.open(url), 'Continue with LabArchives')
    const back = await lab.signIn(theirs.url, 'ada')
    assert.match(back.pathname, /^\/sign-in\/labarchives\/a\/[\w-]{43}$/)
    assert.equal((await browser().open(back)).status, 400)
    const page = await victim.open(back)
    assert.equal(page.url.origin + page.url.pathname, callback, page.text)
    assert.equal((await victim.open(back)).status, 400)
  })

  test('who turns it down there reads so on the chooser', async () => {
    const page = await throughPage(browser(), (await party()).url, 'deny')
    assert.match(textOf(page), /You did not sign in: LabArchives told us/)
  })

  test('neither database nor log holds UID, code or password in clear', async () => {
    const code = lab.code('ada')
    const agent = browser()
    const form = await agent.press(await agent.open((await party()).url), 'Continue with LabArchives', { manual: 'on' })
    await agent.press(form, 'Sign in', { email: 'ada@example.org', code })
    const files = ['labgate.db', 'labgate.db-wal', 'labgate.log']
    const kept = await Promise.all(files.map((name) => readFile(join(site.folder, name)).catch(() => Buffer.alloc(0))))
    const all = Buffer.concat(kept).toString('latin1')
    assert.ok(all.length > 10_000)
    for (const secret of [uid, code, labKey.accessPassword]) assert.ok(!all.includes(secret))
  })
})
