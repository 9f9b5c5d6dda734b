import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { hasButton, newBrowser, party, textOf } from '../support/flow.ts'
import { callback, freePort, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { type Orcid, startOrcid } from '../support/orcid-upstream.ts'

const [josiah, laure] = ['0000-0002-1825-0097', '0000-0001-5109-3700']
let orcid: Orcid
let site: TestLabgate

before(async () => {
  const port = await freePort()
  orcid = await startOrcid({
    people: [
      { id: josiah, given_name: 'Josiah', family_name: 'Carberry' },
      { id: laure, name: 'Laure Haak' },
    ],
    redirectUris: [`http://localhost:${port}/login/orcid/authorized`],
  })
  const config = { ...orcid.config, callbackPath: '/login/orcid/authorized' }
  const admission = { allow: { claim: 'orcid', oneOf: [josiah] } }
  const plugins = {
    email: { use: '@labgate/auth-email' },
    orcid: { use: '@labgate/auth-orcid', config, admission },
  }
  site = await startLabgate({ plugins }, { port })
})
after(async () => {
  await site?.stop()
  await orcid?.close()
})

async function walk(id: string, parameters: Readonly<Record<string, string>> = {}) {
  const rp = await party(site)
  const { url, redeem } = await rp.request(parameters)
  const agent = newBrowser()
  const chooser = await agent.open(url)
  assert.ok(hasButton(chooser, 'Sign in with ORCID'), textOf(chooser))
  const there = await agent.press(chooser, 'Sign in with ORCID')
  return { rp, redeem, page: await agent.press(there, new RegExp(`^${id}$`)) }
}

test('a person chooses ORCID and the relying party learns the iD, by the redirect URI of an older server', async () => {
  const { rp, redeem, page } = await walk(josiah, { scope: 'openid profile email orcid' })
  assert.equal(page.url.origin + page.url.pathname, callback, textOf(page))
  const tokens = await redeem(page.url)
  const info = (await (await rp.userinfo(tokens.access_token)).json()) as Record<string, unknown>
  assert.equal(info.orcid, josiah)
  assert.equal(info.name, 'Josiah Carberry')
  assert.equal(info.email, undefined)
})

test('datalab 1.7.8: ORCID has an allow list, and who is not on it reads why', async () => {
  const { page } = await walk(laure)
  assert.equal(page.status, 403)
  assert.match(textOf(page), /orcid/i)
})
