import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { cast } from '../plugins/auth-github/world.ts'
import { hasButton, newBrowser, party, textOf } from '../support/flow.ts'
import { type GitHub, githubApp, startGitHub } from '../support/github.ts'
import { callback, freePort, startLabgate, type TestLabgate } from '../support/labgate.ts'

const { ada, bob, lab, other } = cast()
let github: GitHub
let site: TestLabgate

before(async () => {
  const port = await freePort()
  ada.teams = [{ id: 31, slug: 'imaging', organization: lab }]
  github = await startGitHub({
    people: [ada, bob],
    organizations: [lab, other],
    callbacks: [`http://localhost:${port}/login/github/authorized`],
  })
  const app = { ...githubApp, url: github.url, callbackPath: '/login/github/authorized' }
  const allow = { mode: 'organizations', organizations: [lab.id] }
  const plugins = {
    email: { use: '@labgate/auth-email' },
    github: { use: '@labgate/auth-github', config: { ...app, allow, teamGroups: {} } },
    // Accounts would be active at once, but nobody comes that far.
    closed: {
      use: '@labgate/auth-github',
      config: { ...githubApp, url: github.url, githubOrgAllowList: [], label: 'Closed' },
      admission: { state: 'active' },
    },
  }
  site = await startLabgate({ plugins }, { port })
})
after(async () => {
  await site?.stop()
  await github?.close()
})

async function open() {
  const rp = await party(site)
  const { url, redeem } = await rp.request({ scope: 'openid profile email groups github' })
  const agent = newBrowser()
  const chooser = await agent.open(url)
  assert.ok(hasButton(chooser, 'Continue with GitHub'), textOf(chooser))
  return { rp, redeem, agent, chooser }
}

async function walk(login: string) {
  const { rp, redeem, agent, chooser } = await open()
  const there = await agent.press(chooser, 'Continue with GitHub')
  return { rp, redeem, page: await agent.press(there, new RegExp(`^${login}$`)) }
}

test('a member chooses GitHub and the relying party learns who they are, by the redirect URI of an older server', async () => {
  const { rp, redeem, page } = await walk('ada')
  assert.equal(page.url.origin + page.url.pathname, callback, textOf(page))
  const tokens = await redeem(page.url)
  const info = (await (await rp.userinfo(tokens.access_token)).json()) as Record<string, unknown>
  assert.equal(info.email, 'ada@example.org')
  assert.equal(info.email_verified, true)
  assert.equal(info.name, 'Ada Lovelace')
  assert.equal(info.github_login, 'ada')
  assert.deepEqual(info.groups, ['github:example-lab/imaging'])
})

test('who is no member reads why, and no account is made', async () => {
  const { page } = await walk('bob')
  assert.match(textOf(page), /bob is not a member of example-lab/)
})

test('datalab 1.7.8: an empty allow list is nobody, whatever state new accounts would have', async () => {
  const { chooser, agent } = await open()
  assert.ok(!hasButton(chooser, 'Closed'), textOf(chooser))
  const form = chooser.forms.find(({ buttons }) => buttons.some(({ text }) => text.includes('GitHub')))
  const action = form?.buttons.find(({ text }) => text.includes('GitHub'))?.action ?? form?.action ?? ''
  assert.match(action, /\/m\/github$/)
  const page = await agent.submit(chooser, form, {}, action.replace(/github$/, 'closed'))
  assert.match(textOf(page), /Nobody can sign in with Closed here/)
  assert.equal(page.url.origin, site.issuer, 'nobody was sent to GitHub')
})
