import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { secretOf } from '@labgate/contract'
import { type AuthClient, Compute, DownscopedClient, Impersonated, JWT } from 'google-auth-library'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { boundaryOf } from '../../../plugins/authz-ngauth/boundary.ts'
import { createBroker } from '../../../plugins/authz-ngauth/broker.ts'
import type { NgauthConfig } from '../../../plugins/authz-ngauth/config.ts'
import { type CloudRequest, cloudAccounts, type GoogleCloud, startGoogleCloud } from '../../support/google-cloud.ts'

const scopes = ['https://www.googleapis.com/auth/cloud-platform']
const openings = [{ under: 'fish/v1', without: [] }]
type Boundary = ConstructorParameters<typeof DownscopedClient>[0] extends infer Options
  ? Options extends { credentialAccessBoundary: infer One }
    ? One
    : never
  : never

describe('the fake cloud and Google’s own client library', () => {
  let cloud: GoogleCloud
  const metadataHost = process.env.GCE_METADATA_HOST
  before(async () => {
    cloud = await startGoogleCloud()
    cloud.buckets.data = { 'fish/v1/info': 'one', 'fish/v2/info': 'two' }
    cloud.readers.data = Object.values(cloudAccounts)
    cloud.mayActAs[cloudAccounts.key] = [cloudAccounts.reader]
    process.env.GCE_METADATA_HOST = new URL(cloud.url).host
  })
  after(async () => {
    if (metadataHost === undefined) delete process.env.GCE_METADATA_HOST
    else process.env.GCE_METADATA_HOST = metadataHost
    await cloud.stop()
  })
  beforeEach(() => {
    cloud.requests.length = 0
    delete cloud.fail.sts
    delete cloud.fail.impersonation
    cloud.saysExpiry = true
  })

  /** Both clients ask Google's own addresses; this leads them to the fake. */
  const fetchFake = (input: string | URL | Request, init?: RequestInit) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const { host } = url
    assert.ok(host.endsWith('.googleapis.com') || host === 'metadata.google.internal' || url.origin === cloud.url, host)
    return fetch(new URL(url.pathname + url.search, cloud.url), init)
  }
  const transporterOptions = { fetchImplementation: fetchFake as typeof fetch }
  const keyClient = () => {
    const { client_email: email, private_key: key } = JSON.parse(cloud.keyFile) as Record<string, string>
    return new JWT({ email: email ?? '', key: key ?? '', scopes, transporterOptions })
  }
  const clients: Record<string, () => AuthClient> = {
    key: keyClient,
    machine: () => new Compute({ transporterOptions }),
    impersonation: () =>
      new Impersonated({
        ...{ sourceClient: keyClient(), targetPrincipal: cloudAccounts.reader, targetScopes: scopes, lifetime: 3600 },
        ...{ delegates: [], transporterOptions },
      }),
  }
  const downscoped = (authClient: AuthClient) => {
    const credentialAccessBoundary = boundaryOf('data', openings) as Boundary
    const client = new DownscopedClient({ authClient, credentialAccessBoundary, transporterOptions })
    // The library hands no transporter on to its exchange: one has to reach in.
    const { transporter } = Reflect.get(client, 'stsCredential') as { transporter: { defaults: object } }
    transporter.defaults = transporterOptions
    return client
  }
  const broker = (credentials: object) => {
    const google = {
      ...{ metadata: 'http://metadata.google.internal', iamCredentials: 'https://iamcredentials.googleapis.com' },
      ...{ sts: 'https://sts.googleapis.com', storage: 'https://storage.googleapis.com' },
    }
    const config = { origins: [], bucketPolicy: 'ignore', tokenGeneration: 1, google, credentials }
    const clock = { now: () => new Date() }
    return createBroker({ id: 'ng', clock, fetch: fetchFake as typeof fetch }, config as unknown as NgauthConfig)
  }
  const keyFile = () =>
    secretOf(JSON.stringify({ ...JSON.parse(cloud.keyFile), token_uri: 'https://oauth2.googleapis.com/token' }))
  const ours: Record<string, () => object> = {
    key: () => ({ metadata: false, serviceAccountKey: keyFile() }),
    machine: () => ({ metadata: true }),
    impersonation: () => ({ metadata: false, serviceAccountKey: keyFile(), impersonate: cloudAccounts.reader }),
  }
  const read = (client: AuthClient, name: string) =>
    client.request<string>({ url: `https://storage.googleapis.com/storage/v1/b/data/o/${name}?alt=media` })
  const fish = encodeURIComponent('fish/v1/info')

  for (const kind of Object.keys(clients)) {
    test(`by ${kind}: Google’s clients get a limited credential that opens what its boundary says`, async () => {
      const client = downscoped(clients[kind]?.() ?? assert.fail())
      assert.equal((await read(client, fish)).data, 'one')
      await assert.rejects(read(client, encodeURIComponent('fish/v2/info')), { status: 403 })
      const { token, expirationTime } = await client.getAccessToken()
      assert.ok(cloud.given().includes(token ?? '') && (expirationTime ?? 0) > Date.now() + 3_500_000)
      cloud.saysExpiry = false
      const silent = await downscoped(clients[kind]?.() ?? assert.fail()).getAccessToken()
      assert.ok((silent.expirationTime ?? 0) > Date.now() + 3_500_000, 'as long as its source')
    })

    test(`by ${kind}: our requests are those of Google’s clients`, async () => {
      await downscoped(clients[kind]?.() ?? assert.fail()).getAccessToken()
      const theirs = cloud.requests.splice(0).map(essence)
      await broker(ours[kind]?.() ?? assert.fail()).credentialFor('data', openings)
      // Whether the bucket can be read is our own question.
      const own = cloud.requests.filter(({ spot }) => spot !== 'storage').map(essence)
      assert.deepEqual(own, theirs)
      assert.equal(own.at(-1)?.spot, 'sts')
    })
  }

  test('an exchange that is refused is an error of the library, as it is of ours', async () => {
    cloud.fail.sts = 'refuse'
    await assert.rejects(downscoped(keyClient()).getAccessToken(), /invalid_grant/)
    await assert.rejects(broker(ours.key?.() ?? {}).credentialFor('data', openings), { code: 'ERR_UPSTREAM_REFUSED' })
  })

  test('an impersonation that is refused is an error of the library, as it is of ours', async () => {
    cloud.fail.impersonation = '403'
    const client = clients.impersonation?.() ?? assert.fail()
    await assert.rejects(client.getAccessToken(), /unable to impersonate/)
    await assert.rejects(broker(ours.impersonation?.() ?? {}).credentialFor('data', openings), {
      ...{ code: 'ERR_UPSTREAM_REFUSED', message: /was answered 403; give the service account the role/ },
    })
  })

  test('takes the boundary encoded once, as Node’s library does, and twice, as those for Go and Python do', async () => {
    const { token } = await keyClient().getAccessToken()
    const options = JSON.stringify(boundaryOf('data', openings))
    for (const written of [options, encodeURIComponent(options)]) {
      const answer = await fetch(`${cloud.url}/v1/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
          requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
          ...{ subject_token: token ?? '', options: written },
        }),
      })
      assert.equal(answer.status, 200)
      const { access_token: value } = (await answer.json()) as { access_token: string }
      const headers = { authorization: `Bearer ${value}` }
      const at = (name: string) => fetch(`${cloud.url}/storage/v1/b/data/o/${name}?alt=media`, { headers })
      assert.deepEqual([(await at(fish)).status, (await at('fish%2Fv2%2Finfo')).status], [200, 403])
    }
  })
})

/** A request without what differs each time: tokens, signatures, instants. */
function essence({ spot, method, path, authorization, body }: CloudRequest) {
  const form: Record<string, unknown> = body.startsWith('{')
    ? (JSON.parse(body) as Record<string, unknown>)
    : Object.fromEntries(new URLSearchParams(body))
  if (typeof form.subject_token === 'string') form.subject_token = form.subject_token.slice(0, 5)
  if (typeof form.assertion === 'string') {
    const { iat = 0, exp = 0, ...claims } = decodeJwt(form.assertion)
    form.assertion = { alg: decodeProtectedHeader(form.assertion).alg, ...claims, life: exp - iat }
  }
  if (typeof form.options === 'string') form.options = JSON.parse(form.options)
  return { spot, method, path: decodeURIComponent(path), scheme: authorization?.split(' ')[0], form }
}
