import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { secretOf } from '@labgate/contract'
import { createFetch } from '../../../core/http/egress.ts'
import { createBroker } from '../../../plugins/authz-ngauth/broker.ts'
import type { NgauthConfig } from '../../../plugins/authz-ngauth/config.ts'
import { cloudAccounts, type GoogleCloud, startGoogleCloud } from '../../support/google-cloud.ts'

const whole = [{ under: '', without: [] }]

describe('credentials of Google', () => {
  let cloud: GoogleCloud
  const clock = { shift: 0, now: () => new Date(Date.now() + clock.shift) }
  before(async () => {
    cloud = await startGoogleCloud({ now: clock.now })
    cloud.buckets.data = { info: 'x' }
    cloud.readers.data = [cloudAccounts.machine, cloudAccounts.reader]
  })
  after(() => cloud.stop())

  const broker = (
    credentials: Omit<NgauthConfig['credentials'], 'metadata'> & { metadata?: boolean },
    asked: typeof fetch = fetch,
  ) => {
    const { url } = cloud
    const google = { metadata: url, iamCredentials: url, sts: url, storage: url }
    const config = {
      ...({ origins: [], bucketPolicy: 'ignore', tokenGeneration: 1, google } as const),
      credentials: { metadata: false, ...credentials },
    } as NgauthConfig
    return createBroker({ id: 'ng', clock, fetch: asked }, config)
  }

  test('come from the machine, and are asked for again before they end', async () => {
    const one = broker({ metadata: true })
    const first = await one.credentialFor('data', whole)
    assert.equal(await one.credentialFor('data', whole), first)
    assert.ok(one.isGood(first))
    clock.shift += 3_400_000
    assert.equal(one.isGood(first), false)
    assert.notEqual((await one.credentialFor('data', whole)).value, first.value)
    cloud.saysExpiry = false
    clock.shift += 3_400_000
    assert.ok(await one.credentialFor('data', whole), 'an exchange without an end lives as long as its source')
  })

  test('come from an account that ours may act as, and from no other', async () => {
    const key = { serviceAccountKey: secretOf(cloud.keyFile), impersonate: cloudAccounts.reader }
    await assert.rejects(broker(key).check(), { code: 'ERR_UPSTREAM_REFUSED', message: /Token Creator/ })
    cloud.mayActAs[cloudAccounts.key] = [cloudAccounts.reader]
    assert.ok(await broker(key).credentialFor('data', whole))
  })

  test('of an account that cannot read the bucket are not given out', async () => {
    const own = broker({ serviceAccountKey: secretOf(cloud.keyFile) })
    await assert.rejects(own.credentialFor('data', whole), { message: /cannot read gs:\/\/data; give it the role/ })
  })

  test('do not wait for an answer that is slow, and are asked for again next time', async () => {
    const quiet = () => undefined
    const log = { debug: quiet, info: quiet, warn: quiet, error: quiet }
    const hurried = createFetch({ name: 'authz-ngauth', allow: ['127.0.0.0/8'], log, timeoutMs: 200 })
    const one = broker({ metadata: true }, hurried)
    for (const spot of ['metadata', 'storage', 'sts'] as const) {
      cloud.fail[spot] = 'slow'
      const slow = { code: 'ERR_UPSTREAM', message: /did not answer within 0\.2 s/ }
      await assert.rejects(one.credentialFor('data', whole), slow, spot)
      delete cloud.fail[spot]
    }
    assert.ok(await one.credentialFor('data', whole))
    await hurried.close()
  })

  test('need exactly one source, and a key file that is one', () => {
    assert.throws(() => broker({}), { code: 'ERR_CONFIG' })
    assert.throws(() => broker({ metadata: true, serviceAccountKey: secretOf('{}') }), { code: 'ERR_CONFIG' })
    for (const odd of ['', '{', 'null', '{}'])
      assert.throws(() => broker({ serviceAccountKey: secretOf(odd) }), { code: 'ERR_CONFIG' })
  })
})
