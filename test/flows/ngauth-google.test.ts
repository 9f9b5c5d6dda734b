import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { cloudAccounts } from '../support/google-cloud.ts'
import { type NgauthWorld, startNgauth, statusOf, textOf, type Visitor } from '../support/ngauth-world.ts'

const ada = (dataset: string) => ({ to: 'name:email:ada@example.org', dataset, level: 'view' })
const viewer = 'roles/storage.objectViewer'

describe('ngauth and a Google that misbehaves', () => {
  let world: NgauthWorld
  let visitor: Visitor
  before(async () => {
    const datasets = {
      data: { places: [{ bucket: 'gs://data-bucket' }] },
      gone: { places: [{ bucket: 'gs://gone-bucket' }] },
      kept: { places: [{ bucket: 'gs://kept-bucket' }] },
    }
    const ledger = { datasets, grants: ['data', 'gone', 'kept'].map(ada) }
    world = await startNgauth({ ledger, buckets: ['data-bucket', 'kept-bucket'] })
    world.cloud.readers['kept-bucket'] = []
    visitor = await world.signedIn('ada')
  })
  after(() => world?.stop())
  beforeEach(async () => {
    for (const spot of Object.keys(world.cloud.fail)) delete world.cloud.fail[spot as keyof typeof world.cloud.fail]
    // Past everything that was kept, the person's token among it.
    world.clock.shift += 7_200_000
    visitor = await world.signedIn('ada')
  })
  const ask = (bucket = 'data-bucket') => visitor.client.credential(visitor.token, bucket)
  const logged = async () => readFile(join(world.site.folder, 'labgate.log'), 'utf8')
  /** The person's id of what happened, and the line that the operator finds by it. */
  async function failed(bucket?: string): Promise<string> {
    const heard = await ask(bucket)
    assert.equal(statusOf(heard), 500)
    const id =
      /^Failed to obtain bounded oauth2 token \((\w+)\)$/.exec(textOf(heard))?.[1] ?? assert.fail(textOf(heard))
    for (let tries = 0; tries < 100; tries++) {
      const line = (await logged()).split('\n').find((one) => one.includes(id) && one.includes('"bucket"'))
      if (line !== undefined) return (JSON.parse(line) as { message: string }).message
      await new Promise((done) => setTimeout(done, 10))
    }
    return assert.fail(`no line for ${id}`)
  }

  for (const [spot, how, said] of [
    ['key', 'refuse', /the token request of the service account at 127\.0\.0\.1:\d+ was answered invalid_grant$/],
    ['key', 'empty', /the token request of the service account at .* had no usable answer$/],
    ['sts', 'refuse', /the exchange for a limited credential at .* was answered invalid_grant$/],
    ['sts', '500', /the exchange for a limited credential at .* had no usable answer|was answered/],
    ['sts', 'empty', /the exchange for a limited credential at .* had no usable answer$/],
    ['sts', 'drop', /127\.0\.0\.1:\d+ could not be reached/],
    ['storage', '403', /the look at gs:\/\/data-bucket at .* was answered 403/],
    [
      'storage',
      'empty',
      /the service account cannot read gs:\/\/data-bucket; give it the role roles\/storage\.objectViewer/,
    ],
    ['storage', 'html', /the look at gs:\/\/data-bucket at .* had no usable answer$/],
  ] as const)
    test(`${spot} says ${how}: the person sees 500 and a code, the operator what to mend; then all is well`, async () => {
      world.cloud.fail[spot] = how
      assert.match(await failed(), said)
      delete world.cloud.fail[spot]
      await world.credentialOf(visitor.client, visitor.token, 'data-bucket')
    })

  test('a bucket that is not there, or that the service account may not read, is told to the operator alone', async () => {
    assert.match(await failed('gone-bucket'), /gs:\/\/gone-bucket at .* was answered 404; is there such a bucket\?$/)
    assert.match(await failed('kept-bucket'), /cannot read gs:\/\/kept-bucket/)
  })

  test('a source that Google took back before its end is fetched anew, once', async () => {
    const { cloud } = world
    await world.credentialOf(visitor.client, visitor.token, 'data-bucket')
    cloud.takeBack()
    const before = { ...cloud.calls }
    // Another bucket, so that nothing kept answers.
    cloud.readers['kept-bucket'] = [cloudAccounts.key]
    const credential = await world.credentialOf(visitor.client, visitor.token, 'kept-bucket')
    const at = { bucket: 'kept-bucket', name: 'info', credential }
    assert.equal(await visitor.client.object(cloud.url, at), 'kept-bucket')
    cloud.readers['kept-bucket'] = []
    assert.equal(cloud.calls.key - before.key, 1)
  })

  test('an exchange that names no end counts as long as its source', async () => {
    const { cloud, clock } = world
    cloud.saysExpiry = false
    const first = await world.credentialOf(visitor.client, visitor.token, 'data-bucket')
    assert.equal(await world.credentialOf(visitor.client, visitor.token, 'data-bucket'), first)
    cloud.saysExpiry = true
    clock.shift += 3_310_000
    assert.notEqual(
      await world.credentialOf(visitor.client, visitor.token, 'data-bucket'),
      first,
      'five minutes before',
    )
  })

  test('fifty at once ask Google once, and what they get is kept within its life', async () => {
    const { cloud } = world
    const before = { ...cloud.calls }
    const all = await Promise.all(
      Array.from({ length: 50 }, () => world.credentialOf(visitor.client, visitor.token, 'data-bucket')),
    )
    assert.equal(new Set(all).size, 1)
    assert.equal(await world.credentialOf(visitor.client, visitor.token, 'data-bucket'), all[0])
    for (const spot of ['key', 'sts', 'storage'] as const) assert.equal(cloud.calls[spot] - before[spot], 1, spot)
  })

  test('nothing that was given stands in the log or the audit trail', async () => {
    const { cloud, site } = world
    const trail = await site.labgate.rooms.get('storage').audit.list({ type: 'dialect.issued', limit: 500 })
    const written = (await logged()) + JSON.stringify(trail)
    assert.ok(trail.length > 10 && cloud.given().length > 10)
    const { private_key: key } = JSON.parse(cloud.keyFile) as { private_key: string }
    const assertions = cloud.requests.flatMap(({ body }) => new URLSearchParams(body).get('assertion') ?? [])
    assert.ok(assertions.length > 0)
    for (const secret of [...cloud.given(), ...assertions, visitor.token, key.slice(60, 100)])
      assert.ok(!written.includes(secret), secret.slice(0, 12))
  })
})

describe('ngauth that checks the policy of buckets too', () => {
  let world: NgauthWorld
  let visitor: Visitor
  const bucket = 'policy-bucket'
  before(async () => {
    const datasets = { fish: { places: [{ bucket: `gs://${bucket}`, prefix: 'fish' }] } }
    world = await startNgauth({
      ...{ ledger: { datasets, grants: [ada('fish')] }, buckets: [bucket], config: { bucketPolicy: 'check' } },
    })
    visitor = await world.signedIn('ada')
  })
  after(() => world?.stop())
  const set = (bindings: readonly object[], readers: readonly string[] = [cloudAccounts.key]) => {
    world.cloud.policies[bucket] = { readers, bindings }
    // Policies are kept a minute.
    world.clock.shift += 61_000
  }
  const ask = () => visitor.client.credential(visitor.token, bucket)

  test('both must say yes, and a change counts after a minute', async () => {
    const { cloud } = world
    set([{ role: viewer, members: ['user:eve@example.org'] }])
    const heard = await ask()
    assert.deepEqual([statusOf(heard), /^Access denied \(\w+\)$/.test(textOf(heard))], [403, true], textOf(heard))
    set([{ role: viewer, members: ['user:Ada@example.org'] }])
    assert.equal(statusOf(await ask()), 200)
    cloud.policies[bucket] = { readers: [cloudAccounts.key], bindings: [] }
    const before = cloud.calls.policy
    await Promise.all(Array.from({ length: 20 }, ask))
    assert.equal(cloud.calls.policy, before, 'within the minute nobody asks again')
    world.clock.shift += 61_000
    assert.equal(statusOf(await ask()), 403)
  })

  test('conditions count: by prefix, by time, and none that is not known', async () => {
    const objects = `projects/_/buckets/${bucket}/objects/`
    const until = new Date(world.clock.now().getTime() + 600_000).toISOString()
    for (const [expression, status] of [
      [`resource.name.startsWith("${objects}fish/")`, 200],
      [`resource.name.startsWith("${objects}mouse/")`, 403],
      [`resource.name.startsWith("${objects}fish/v1/")`, 403],
      [`request.time < timestamp("${until}")`, 200],
      ['resource.matchTag("lab/open", "yes")', 403],
    ] as const) {
      set([{ role: viewer, members: ['allAuthenticatedUsers'], condition: { title: 'x', expression } }])
      assert.equal(statusOf(await ask()), status, expression)
    }
  })

  test('a policy that cannot be read is a 500, and opens nothing', async () => {
    set([{ role: viewer, members: ['allUsers'] }], [])
    const heard = await ask()
    assert.equal(statusOf(heard), 500)
    assert.match(textOf(heard), /^Failed to query bucket permissions \(\w+\)$/)
    const log = await readFile(join(world.site.folder, 'labgate.log'), 'utf8')
    assert.match(
      log,
      /the look at the policy of gs:\/\/policy-bucket at .* was answered 403; the service account needs/,
    )
  })

  test('nobody gets more by it than their grants say', async () => {
    set([{ role: 'roles/storage.admin', members: ['allUsers'] }])
    const eve = await world.signedIn('eve')
    assert.equal(statusOf(await eve.client.credential(eve.token, bucket)), 403)
    visitor = await world.signedIn('ada')
    await world.credentialOf(visitor.client, visitor.token, bucket)
    assert.match(JSON.stringify(world.cloud.boundaries.at(-1)), /objects\/fish\//)
  })
})
