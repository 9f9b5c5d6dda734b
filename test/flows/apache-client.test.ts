/** Apache with mod_auth_openidc, set up by the lines that docs/clients/apache.md has: a preset tried for real. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { presetSettings } from '../../core/oidc/client-presets.ts'
import { startApache } from '../support/apache.ts'
import type { Front } from '../support/front.ts'
import { plainFetch } from '../support/guarded.ts'
import { freePort, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { root } from '../support/sources.ts'
import { UserAgent } from '../support/user-agent.ts'

const secret = 'a-secret-of-the-apache-of-tests-0'
const page = readFileSync(join(root, 'docs', 'clients', 'apache.md'), 'utf8')
const documented = /^```apache\n(.*?)^```$/ms.exec(page)?.[1] ?? assert.fail('no block')

suite('Apache behind Labgate', { skip: needs('apache', 'mod-auth-openidc') }, () => {
  let site: TestLabgate
  let apache: Front | undefined
  let wiki: string

  before(async () => {
    const port = await freePort()
    wiki = `http://127.0.0.1:${port}`
    site = await startLabgate({
      clients: { wiki: { name: 'Wiki', secret, ...presetSettings('apache', wiki), firstParty: true } },
      groups: { imaging: { title: 'Imaging', members: ['email:ada@example.org'] } },
    })
    const directives = documented
      .replaceAll('https://id.lab.example', site.issuer)
      .replaceAll('https://wiki.lab.example', wiki)
      .replace('THE-SECRET', secret)
      .replace('/etc/apache2/oidc-passphrase', '@folder@/passphrase')
    apache = await startApache({ directives, port })
  })
  after(async () => {
    await apache?.close()
    await site.stop()
  })

  const visitor = () => new UserAgent({ fetch: plainFetch() })
  const signIn = (agent: UserAgent, email: string) => signInByEmail(site, agent, { at: `${wiki}/index.html`, email })
  const isAsked = async (agent: UserAgent) => (await agent.open(`${wiki}/index.html`)).url.origin === site.issuer

  test('a person signs in, and the server knows who it is and their groups', async () => {
    const agent = visitor()
    const shown = await signIn(agent, 'ada@example.org')
    assert.equal(shown.url.href, `${wiki}/index.html`)
    assert.match(shown.text, /The wiki/)
    assert.match(shown.headers.get('x-remote-user') ?? '', /^ada/)
    assert.equal(shown.headers.get('x-groups'), 'imaging')
    assert.equal(await isAsked(agent), false, 'its own session holds')
  })

  test('signing out at Labgate ends the session at Apache by back-channel logout', async () => {
    const agent = visitor()
    await signIn(agent, 'ben@example.org')
    const account = await agent.open(`${site.issuer}/account`)
    await agent.press(account, 'Sign out here')
    for (let tries = 0; tries < 100 && !(await isAsked(agent)); tries++) await sleep(20)
    assert.equal(await isAsked(agent), true, apache?.output())
  })

  test('its own sign-out link ends both sessions and comes back', async () => {
    const agent = visitor()
    await signIn(agent, 'cid@example.org')
    const asked = await agent.open(`${wiki}/oidc/callback?logout=${encodeURIComponent(`${wiki}/`)}`)
    assert.equal(asked.url.origin, site.issuer, asked.text)
    const out = await agent.press(asked, 'Sign out')
    assert.equal((await agent.open(`${site.issuer}/account`)).text.includes('cid@example.org'), false)
    assert.equal(await isAsked(agent), true, out.url.href)
  })
})
