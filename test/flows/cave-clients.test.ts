/** Clients of CAVE that cannot be installed here, imitated down to how they read: at Labgate and at a service that it guards. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startChunkService } from '../../examples/connectomics/chunk-service.ts'
import type { Site } from '../../examples/connectomics/site.ts'
import { chunkName, volume } from '../../examples/connectomics/volume.ts'
import { CaveError, caveClient } from '../support/cave-client.ts'
import { type GoldenLab, startGoldenLab } from '../support/golden-lab.ts'
import { freePort, signInByEmail } from '../support/labgate.ts'
import { KeyError, middleAuthService } from '../support/middle-auth-client.ts'
import { forkAsks, readChallenge } from '../support/neuroglancer-fork.ts'
import { UserAgent } from '../support/user-agent.ts'

const house = { kind: 'system', name: 'test' } as const
const viewer = 'http://127.0.0.1:9'

describe('clients of CAVE, imitated', () => {
  let lab: GoldenLab
  let service: Site
  let data: string
  const tokens: Record<string, string> = {}
  before(async () => {
    data = `http://127.0.0.1:${await freePort()}`
    lab = await startGoldenLab({
      cave: { use: '@labgate/authz-cave', config: { viewers: [viewer], services: [data] } },
    })
    const { issuer, labgate } = lab.site
    for (const name of ['ada', 'cleo', 'dan', 'eve', 'pipeline'] as const) {
      const made = await labgate.rooms.get('tokens').create(house, { account: lab.ids[name], name, scopes: ['cave'] })
      tokens[name] = made.value
    }
    const at = { auth: `${issuer}/auth`, sticky: `${issuer}/sticky_auth`, namespace: 'datastack' }
    service = await startChunkService(data, { at, volumes: { fish2: volume(1), fanc: volume(2) } })
  })
  after(async () => {
    await service?.stop()
    await lab?.site.stop()
  })
  const of = (name: string) => tokens[name] ?? assert.fail(name)
  const client = (name: string) => caveClient({ server: lab.site.issuer, token: of(name) })
  const file = (table: string) => `${data}/table/${table}/${chunkName}`

  test('CAVEclient lists tokens, names people and reads groups', async () => {
    const listed = await client('dan').tokens()
    assert.ok(listed.some(({ token }) => of('dan').startsWith(token.replace('…', ''))))
    assert.deepEqual(await client('dan').users([4, 3]), [
      { id: 4, service_account: false, name: 'Dan Tracer' },
      { id: 3, service_account: false, name: 'Cleo Lead' },
    ])
    assert.deepEqual(
      (await client('cleo').groupUsers(11)).map(({ id }) => id),
      [3, 4, 5],
    )
    await assert.rejects(client('dan').groupUsers(11), /403 Requires admin privilege/)
    const stranger = caveClient({ server: lab.site.issuer, token: 'made-up' })
    await assert.rejects(stranger.tokens(), { message: '401 invalid_token' })
  })

  test('CAVEclient’s pages lead to a token and to the list of them', async () => {
    const { pages } = client('dan')
    const agent = new UserAgent()
    const page = await signInByEmail(lab.site, agent, { at: pages.newToken, email: 'dan@lab.example' })
    const made = await agent.press(page, 'Make a token')
    const token = /lgp_\w{38}/.exec(made.text)?.[0] ?? assert.fail(made.text)
    assert.ok((await caveClient({ server: lab.site.issuer, token }).tokens()).length > 0)
    assert.equal((await agent.open(pages.tokens)).url.pathname, '/account/tokens')
  })

  test('CAVEclient and cloud-files read a guarded source, and CAVEclient opens the terms that are missing', async () => {
    assert.deepEqual(await client('dan').file(file('fish2_prod')), volume(1)[chunkName])
    await assert.rejects(client('eve').file(file('fish2_prod')), { message: '403 missing_permission' })
    const missing = await client('eve')
      .file(file('fanc_production'))
      .catch((error: unknown) => error)
    assert.ok(missing instanceof CaveError)
    assert.equal(missing.message, 'missing_tos')
    assert.equal(missing.opens, `${lab.site.issuer}/sticky_auth/api/v1/tos/18/accept`)
  })

  test('the fork of Neuroglancer signs in by the service’s realm and carries the token in the query', async () => {
    const first = await forkAsks(file('fish2_prod'), { origin: viewer })
    assert.ok('login' in first, JSON.stringify(first))
    assert.equal(first.error, undefined)
    const agent = new UserAgent({ stopAt: [`${viewer}/auth_redirect.html`] })
    const back = await signInByEmail(lab.site, agent, { at: first.login, email: 'dan@lab.example' })
    const token = back.url.searchParams.get('middle_auth_token') ?? assert.fail(back.url.href)
    const read = await forkAsks(file('fish2_prod'), { origin: viewer, token })
    assert.ok('data' in read, JSON.stringify(read))
    assert.deepEqual(read.data, volume(1)[chunkName])
    const stale = await forkAsks(file('fish2_prod'), { origin: viewer, token: 'made-up' })
    assert.deepEqual(stale, { login: first.login, error: 'invalid_token' })
    const terms = await forkAsks(file('fanc_production'), { origin: viewer, token: of('eve') })
    assert.deepEqual(terms, { terms: `${lab.site.issuer}/sticky_auth/api/v1/tos/18/accept?client=ng` })
    const refused = await forkAsks(file('fish2_prod'), { origin: viewer, token: of('eve') })
    assert.deepEqual(refused, { failed: 'missing_permission' })
  })

  test('what Labgate itself answers is read by the fork’s parser', async () => {
    const at = `${lab.site.issuer}/auth/api/v1/user/cache`
    const realm = `${lab.site.issuer}/sticky_auth/api/v1/authorize`
    const login = `${realm}?redirect=${encodeURIComponent(`${viewer}/auth_redirect.html`)}`
    assert.deepEqual(await forkAsks(at, { origin: viewer }), { login, error: undefined })
    assert.deepEqual(await forkAsks(at, { origin: viewer, token: 'x' }), { login, error: 'invalid_token' })
    assert.notEqual(readChallenge('Bearer realm="http://a.example/?x=1, 2"').realm, 'http://a.example/?x=1, 2')
  })

  test('every key that middle_auth_client and rate limiters read with brackets is there', async () => {
    const { askRole, limitKey } = middleAuthService({
      base: `${lab.site.issuer}/auth`,
      sticky: `${lab.site.issuer}/sticky_auth`,
    })
    assert.equal((await askRole(of('dan'), 'admin')).status, 403)
    assert.equal((await askRole(of('dan'), { group: 'tracers' })).status, 200)
    assert.equal((await askRole(of('dan'), { datasetAdmin: 'fish2' })).error, 'missing_role')
    assert.equal(await limitKey(of('dan')), 'user:4')
    assert.match(await limitKey(of('pipeline')), /^user:\d+$/)
    const lacking = middleAuthService({
      ...{ base: 'http://x', sticky: 'http://x' },
      fetch: async () => Response.json({ id: 1, admin: false }),
    })
    await assert.rejects(lacking.askRole('t', { group: 'g' }), KeyError)
  })

  test('middle_auth_client asks again after a passing error, keeps what it heard, and skips that for a refusal twenty times', async () => {
    let calls = 0
    let broken = 3
    const { ask, lookUp } = middleAuthService({
      ...{ base: `${lab.site.issuer}/auth`, sticky: `${lab.site.issuer}/sticky_auth` },
      fetch(url, init) {
        if (url.endsWith('/user/cache')) calls++
        return broken-- > 0 ? Promise.resolve(new Response('', { status: 503 })) : fetch(url, init)
      },
    })
    const need = { permission: 'view', table: 'fish2_prod' }
    assert.equal((await lookUp(of('eve'), 'kept'))?.id, 5)
    assert.equal(calls, 4)
    for (let turn = 0; turn < 25; turn++) assert.equal((await ask(of('eve'), need)).error, 'missing_permission')
    assert.equal(calls, 4 + 20)
  })
})
