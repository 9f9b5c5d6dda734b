import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { browser, signInByEmail } from '../support/labgate.ts'
import { messageOn } from '../support/neuroglancer.ts'
import { type NgauthWorld, startNgauth, statusOf, textOf, tokenOn, viewer } from '../support/ngauth-world.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const house = { kind: 'system', name: 'test' } as const
const grant = (person: string, dataset: string) => ({ to: `name:email:${person}@example.org`, dataset, level: 'view' })

const ledger = {
  datasets: {
    open: { places: [{ bucket: 'gs://open-bucket' }] },
    cited: { title: 'Cited fish', places: [{ bucket: 'gs://cited-bucket' }] },
    twice: { title: 'Bound twice', places: [{ bucket: 'gs://twice-bucket' }] },
    elsewhere: { places: [{ bucket: 's3://else-bucket' }] },
  },
  terms: {
    cite: { title: 'Cite us', dataset: 'cited', text: { markdown: '# Cite us' } },
    one: { title: 'First rule', dataset: 'twice', text: { markdown: '# First' } },
    two: { title: 'Second rule', dataset: 'twice', text: { markdown: '# Second' } },
    other: { title: 'Of another cloud', dataset: 'elsewhere', text: { markdown: '# Other' } },
  },
  grants: [
    grant('ada', 'open'),
    grant('ada', 'cited'),
    grant('ben', 'open'),
    grant('ben', 'cited'),
    grant('cleo', 'twice'),
    grant('dan', 'open'),
    grant('dan', 'elsewhere'),
  ],
}

/** Reads and accepts the one document that a page of the popup offers. */
async function accept(agent: UserAgent, offer: Page): Promise<Page> {
  const href = /<a class="button primary" href="([^"]+)"/.exec(offer.text)?.[1] ?? assert.fail(offer.text)
  const asked = await agent.open(href.replaceAll('&amp;', '&'))
  const form = asked.forms.find(({ fields }) => 'digest' in fields)
  return agent.submit(asked, form)
}

describe('what people open of ngauth', () => {
  let world: NgauthWorld
  const ledgerRoom = () => world.site.labgate.rooms.get('ledger')
  before(async () => {
    world = await startNgauth({ ledger, buckets: ['open-bucket', 'cited-bucket', 'twice-bucket'] })
  })
  after(() => world?.stop())

  const enter = async (person: string) => {
    const agent = browser()
    const client = world.of(agent)
    const page = await signInByEmail(world.site, agent, { at: client.popup, email: `${person}@example.org` })
    return { agent, client, page }
  }

  test('terms of a dataset are offered in the popup before the token is given, and open the bucket', async () => {
    const { agent, client, page } = await enter('ada')
    assert.equal(messageOn(page.text), undefined)
    assert.match(page.text, /“Cited fish” can be seen by those who accept its terms of use: “Cite us”/)
    const end = await accept(agent, page)
    assert.equal(end.headers.get('cross-origin-opener-policy'), 'unsafe-none')
    await world.credentialOf(client, tokenOn(end), 'cited-bucket')
    assert.ok(messageOn((await agent.open(client.popup)).text), 'nothing is offered again')
  })

  test('several documents come one after the other', async () => {
    const { agent, client, page } = await enter('cleo')
    assert.match(page.text, /Then come: “Second rule”/)
    const next = await accept(agent, page)
    assert.match(next.text, /Read “Second rule”/)
    const end = await accept(agent, next)
    await world.credentialOf(client, tokenOn(end), 'twice-bucket')
  })

  test('“not now” gives the token at once, and opens what needs no terms', async () => {
    const { agent, client, page } = await enter('ben')
    const end = await agent.press(page, 'Go on without these data')
    const token = tokenOn(end)
    await world.credentialOf(client, token, 'open-bucket')
    assert.ok(messageOn((await agent.open(client.popup)).text), 'not asked again')
    // Who tries to open the data is told why not, with the way on, and asked again in the popup.
    const heard = await client.credential(token, 'cited-bucket')
    assert.equal(statusOf(heard), 403)
    const link = `${world.site.issuer}/terms/for/ngauth?terms=cite&back=%2F`
    assert.ok(textOf(heard).startsWith(`Access denied: accept “Cite us” first: ${link} (`), textOf(heard))
    assert.equal(statusOf(await client.token()), 401, 'the cookie alone would pass by the popup')
    const offered = await agent.open(client.popup)
    assert.match(offered.text, /Read “Cite us”/)
    tokenOn(await agent.press(offered, 'Go on without these data'))
    assert.equal(statusOf(await client.token()), 200)
    // A day later they may have changed their mind.
    world.clock.shift += 86_500_000
    const { page: again } = await enter('ben')
    assert.match(again.text, /Read “Cite us”/)
    world.clock.shift -= 86_500_000
  })

  test('terms of data in other places, and of data that somebody may not see anyway, are not offered', async () => {
    assert.ok(messageOn((await enter('dan')).page.text))
    assert.ok(messageOn((await enter('nobody')).page.text))
  })

  test('terms long after the sign-in keep the window that waits, too', async () => {
    const { agent, client, page } = await enter('dan')
    tokenOn(page)
    agent.forget('labgate_opener')
    const { terms } = ledgerRoom()
    await terms.add(house, { id: 'viewer', title: 'Rules', services: ['ngauth'], markdown: '# Be kind' })
    const asked = await agent.open(client.popup)
    assert.match(asked.text, /Be kind/)
    assert.equal(asked.headers.get('cross-origin-opener-policy'), 'unsafe-none')
    const end = await agent.submit(
      asked,
      asked.forms.find(({ fields }) => fields.terms === 'viewer'),
    )
    assert.equal(end.headers.get('cross-origin-opener-policy'), 'unsafe-none')
    tokenOn(end)
    await terms.retire(house, 'viewer')
  })

  test('pages look like the site, with a script that only its nonce lets run, and in no frame', async () => {
    const { agent, client } = await enter('dan')
    const page = await agent.open(client.popup)
    const nonce = /<script nonce="([^"]+)"/.exec(page.text)?.[1] ?? assert.fail(page.text)
    const policy = page.headers.get('content-security-policy') ?? ''
    assert.ok(policy.includes(`script-src 'nonce-${nonce}'`) && policy.includes("frame-ancestors 'none'"), policy)
    assert.equal(page.headers.get('x-frame-options'), 'DENY')
    assert.ok(page.text.includes(`<style nonce="${nonce}">`), 'the style comes along')
    const stranger = await agent.open(`${world.server}/login?origin=https://stranger.example`)
    assert.equal(stranger.headers.get('cross-origin-opener-policy'), 'unsafe-none')
    assert.deepEqual(messageOn(stranger.text), { data: 'badorigin', targetOrigin: 'https://stranger.example' })
  })

  test('without a Neuroglancer /login leads to the first page, which knows the person and signs them out', async () => {
    const agent = browser()
    const home = await agent.open(`${world.server}/`)
    assert.match(home.text, new RegExp(`href="${world.server}/login"`))
    const email = 'dan@example.org'
    const known = await signInByEmail(world.site, agent, { at: `${world.server}/login?origin=`, email })
    assert.equal(known.url.href, `${world.server}/`)
    assert.match(known.text, /You are signed in as .*dan@example\.org/)
    const [form] = known.forms.filter(({ action }) => action === '/logout')
    const proof = form?.fields.token ?? assert.fail(known.text)
    const client = world.of(agent)
    const token = tokenOn(await agent.open(client.popup))
    // Without the proof, with a token of another kind or of another person, nobody is signed out.
    const other = await enter('nobody')
    const foreign = (await other.agent.open(`${world.server}/`)).forms[0]?.fields.token ?? assert.fail()
    for (const wrong of ['', token, `${proof}x`, foreign]) {
      const back = await agent.submit(known, form, { token: wrong })
      assert.match(back.text, /You are signed in as/, wrong)
    }
    assert.equal(statusOf(await client.credential(proof, 'open-bucket')), 401, 'the proof opens no data')
    const out = await agent.submit(known, form)
    assert.equal(out.url.href, `${world.server}/`)
    assert.doesNotMatch(out.text, /You are signed in as/)
    // At the issuer too: or the next popup would sign them in again.
    assert.equal(statusOf(await client.token()), 401)
    const account = await agent.open(`${world.site.issuer}/account`)
    assert.notEqual(account.url.pathname, '/account')
    assert.equal(messageOn((await agent.open(client.popup)).text), undefined)
  })

  test('/logout answers 302 to / in any case, and another site cannot use it', async () => {
    const { agent, client } = await enter('dan')
    const home = await agent.open(`${world.server}/`)
    const proof = home.forms[0]?.fields.token ?? assert.fail(home.text)
    const post = (headers: Record<string, string>) =>
      fetch(`${world.server}/logout`, {
        ...{ method: 'POST', redirect: 'manual', headers },
        body: new URLSearchParams({ token: proof }),
      })
    const cookie = agent.cookieHeader(new URL(world.server))
    for (const headers of [
      {},
      { cookie, origin: viewer, 'sec-fetch-site': 'cross-site' },
      { cookie },
      { origin: world.server },
    ]) {
      const answer = await post(headers as Record<string, string>)
      assert.deepEqual([answer.status, answer.headers.get('location')], [302, `${world.server}/`])
      assert.equal(statusOf(await client.token()), 200, JSON.stringify(headers))
    }
    const done = await post({ cookie, origin: world.server })
    assert.deepEqual([done.status, done.headers.get('location')], [302, `${world.server}/`])
    assert.equal(statusOf(await client.token()), 401)
  })
})
