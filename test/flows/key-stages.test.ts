import assert from 'node:assert/strict'
import { test } from 'node:test'
import { browser, relyingParty, signInByEmail, startLabgate } from '../support/labgate.ts'

const day = 86_400

test('keys change by age in a Labgate that serves: published, used, retired, removed, and what a key signed stays good', async (t) => {
  let ahead = 0
  const clock = { now: () => new Date(Date.now() + ahead * 1000) }
  const site = await startLabgate(
    { signing: { rotateAfter: '90d', publishBefore: '1d', keep: '30d' } },
    { replaced: { clock } },
  )
  t.after(() => site.stop())
  const pass = async (days: number) => {
    ahead += days * day
    await site.labgate.renewKeys()
  }
  const kids = async () => {
    const { keys } = (await (await fetch(`${site.issuer}/oidc/jwks`)).json()) as {
      keys: { kid: string; alg: string }[]
    }
    return keys.filter(({ alg }) => alg === 'RS256').map(({ kid }) => kid)
  }
  const agent = browser()
  const rp = await relyingParty(site.issuer)
  const signIn = async () => {
    const { url, redeem } = await rp.request()
    const page = await signInByEmail(site, agent, { at: url, email: 'ada@example.org' })
    const { id_token } = await redeem(page.url)
    const kid = JSON.parse(Buffer.from(id_token?.split('.')[0] ?? '', 'base64url').toString()).kid
    return { id_token: id_token ?? '', kid: String(kid) }
  }
  const first = await signIn()
  const before = site.labgate.provider()
  assert.deepEqual(await kids(), [first.kid])
  await pass(89)
  const [, next = ''] = await kids()
  assert.deepEqual(await kids(), [first.kid, next])
  assert.notEqual(site.labgate.provider(), before)
  assert.equal((await signInAgain()).kid, first.kid)
  await pass(1)
  assert.deepEqual(await kids(), [next, first.kid])
  const second = await signInAgain()
  assert.equal(second.kid, next)
  // A relying party signs out with an ID token of the former key.
  const out = new URL('/oidc/logout', site.issuer)
  out.search = String(new URLSearchParams({ id_token_hint: first.id_token }))
  assert.equal((await agent.open(out)).status, 200)
  const unchanged = site.labgate.provider()
  await pass(29)
  assert.equal(site.labgate.provider(), unchanged)
  await pass(1)
  assert.deepEqual(await kids(), [next])

  async function signInAgain() {
    agent.forgetAll()
    return signIn()
  }
})
