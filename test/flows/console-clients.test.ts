import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { newBrowser, signInAs, startWorld, textOf, type World } from '../support/flow.ts'
import { testClients } from '../support/labgate.ts'

describe('clients in the console', () => {
  let world: World
  const at = (path: string) => new URL(path, world.site.issuer)
  const rooms = () => world.site.labgate.rooms
  before(async () => {
    world = await startWorld({ part: () => ({ clientRegistration: { enabled: true } }) })
  })
  after(() => world.close())

  test('an admin sees all, removes what stands in the database, and ends invitations; nobody else does', async () => {
    const agent = newBrowser()
    await signInAs(agent, 'alice', at('/account'))
    assert.equal((await agent.open(at('/console/clients'))).status, 403)
    const accounts = rooms().get('accounts')
    const { id = '' } = (await accounts.findByUsername('alice')) ?? {}
    await accounts.setRole(id, 'admin')
    const { client: settings } = await import('../../core/config/client-settings.ts').then(({ checkedClient }) =>
      checkedClient({ redirectUris: ['https://hub.example.org/'] }, { id: 'hub', config: rooms().get('config') }),
    )
    await rooms()
      .get('clients')
      .save('hub', { ...settings, name: 'A <i>hub</i>' })
    const invited = await rooms()
      .get('registrations')
      .invite(id, { redirectHosts: ['a.example.org'], note: 'a thesis' })
    const page = await agent.open(at('/console/clients'))
    for (const said of [testClients.third.name, 'A &lt;i&gt;hub', 'a thesis']) assert.ok(page.text.includes(said), said)
    assert.ok(
      !page.text.includes(invited.token) && !page.forms.some(({ action }) => action.includes('/clients/third/')),
    )
    const without = await agent.press(page, /^Remove/)
    assert.match(textOf(without), /was removed/)
    assert.equal(await rooms().get('clients').find('hub'), undefined)
    assert.match(textOf(await agent.press(without, /^End/)), /opens nothing now/)
    assert.equal(await rooms().get('registrations').byToken(invited.token), undefined)
    const types = ['client.removed', 'client.uninvited'].map((type) =>
      rooms().get('storage').audit.list({ type, limit: 1 }),
    )
    for (const [line] of await Promise.all(types)) assert.equal(line?.actor, id)
  })

  test('an admin adds one by a preset: its secret is on that page alone, and opens the token endpoint', async () => {
    const [plain, agent] = [newBrowser(), newBrowser()]
    await signInAs(plain, 'bob', at('/account'))
    assert.equal((await plain.open(at('/console/clients/new'))).status, 403)
    await signInAs(agent, 'alice', at('/account'))
    const { id = '' } = (await rooms().get('accounts').findByUsername('alice')) ?? {}
    await rooms().get('accounts').setRole(id, 'admin')
    const page = await agent.open(at('/console/clients/new'))
    const form = page.forms.find(({ action }) => action.endsWith('/console/clients/new'))
    const ask = (fields: Record<string, string>) => agent.submit(page, form, fields)
    const right = { preset: 'generic', url: 'https://app.example.org/', id: 'app', name: 'An <i>app</i>' }
    for (const [wrong, said] of [
      [{ preset: 'grafena' }, /Choose a program/],
      [{ url: 'app.example.org' }, /Its address looks like/],
      [{ preset: 'webknossos' }, /no resource server/],
      [{ redirectUri: 'javascript:alert(1)' }, /redirectUris/],
      [{ id: 'two words' }, /client id/],
    ] as const) {
      const again = await ask({ ...right, ...wrong })
      assert.equal(again.status, 400, JSON.stringify(wrong))
      assert.match(textOf(again), said)
      assert.match(again.text, /value="An &lt;i&gt;app/)
    }
    const back = 'https://app.example.org/back'
    const added = await ask({ ...right, redirectUri: back, firstParty: 'on' })
    assert.match(added.headers.get('cache-control') ?? '', /no-store/)
    const secret = /client_secret: (\S+)/.exec(added.text)?.[1] ?? ''
    assert.ok(secret.length > 30 && added.text.includes(`redirect_uri: ${back}`))
    assert.equal((await ask(right)).status, 409, 'the id is taken')
    const kept = await rooms().get('clients').find('app')
    assert.deepEqual([kept?.settings.redirectUris, kept?.settings.firstParty], [[back], true])
    const token = (value: string) =>
      fetch(at('/oidc/token'), {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`app:${value}`).toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'authorization_code', code: 'none', redirect_uri: back }),
      }).then(async (answer) => ((await answer.json()) as { error: string }).error)
    assert.deepEqual([await token(secret), await token(`${secret}x`)], ['invalid_grant', 'invalid_client'])
    const [line] = (await rooms().get('storage').audit.list({ type: 'client.added', limit: 1 })) ?? []
    assert.deepEqual([line?.actor, line?.client], [id, 'app'])
    assert.ok(!JSON.stringify(line).includes(secret))
  })
})
