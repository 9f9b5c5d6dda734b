/** Consents by command, beside the server that asked for them. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Done, startCommand, writeConfig } from '../../support/command-line.ts'
import { newBrowser, type Party, party, signInAs, startWorld, type World } from '../../support/flow.ts'
import { testClients } from '../../support/labgate.ts'

describe('consents beside a running server', () => {
  let world: World
  let third: Party
  let account = ''
  let tokens: Awaited<ReturnType<Party['signIn']>>
  before(async () => {
    world = await startWorld()
    const { site } = world
    await writeConfig(site.folder, {
      ...{ issuer: site.issuer, demo: true, data: site.folder },
      mail: { from: { address: 'lab@example.org' }, outbox: `${site.folder}/outbox` },
      plugins: { email: { use: '@labgate/auth-email' } },
    })
    third = await party(site, { id: 'third', secret: testClients.third.secret })
    const agent = newBrowser()
    const { url, redeem } = await third.request()
    tokens = await redeem((await agent.press(await signInAs(agent, 'alice', url), 'Allow')).url)
    account = tokens.claims()?.sub ?? ''
  })
  after(() => world.close())
  const run = (...argv: string[]): Promise<Done> =>
    startCommand([...argv, '--config', 'labgate.yaml'], { cwd: world.site.folder }).done

  test('they are listed, and what is taken back ends at the server at once, tokens with it', async () => {
    const { code, out, err } = await run('consent', 'list', account, '--json')
    assert.equal(code, 0, err)
    const listed = JSON.parse(out) as { client: string; scopes: string[] }[]
    assert.deepEqual(
      listed.map(({ client }) => client),
      ['third'],
    )
    assert.ok(listed[0]?.scopes.includes('openid'))
    assert.equal((await third.userinfo(tokens.access_token)).status, 200)
    const revoked = await run('consent', 'revoke', account, 'third')
    assert.equal(revoked.code, 0, revoked.err)
    assert.match(revoked.out, /^third may see nothing of \S+ now\.\n$/)
    assert.equal((await third.userinfo(tokens.access_token)).status, 401)
    const form = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token ?? '' }
    assert.equal((await third.token(form)).status, 400)
    const [line] =
      (await world.site.labgate.rooms.get('storage').audit.list({ type: 'consent.revoked', limit: 1 })) ?? []
    assert.deepEqual([line?.account, line?.client, line?.actor], [account, 'third', 'command'])
  })

  test('what nobody allowed is told', async () => {
    const again = await run('consent', 'revoke', account, 'third')
    assert.deepEqual([again.code, /lets no third see anything/.test(again.err)], [1, true])
    assert.match((await run('consent', 'list', account)).out, /was asked by no relying party, or took it back/)
    assert.match((await run('consent', 'list', 'nobody')).err, /there is no account/)
  })
})
