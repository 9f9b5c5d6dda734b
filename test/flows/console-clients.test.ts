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
})
