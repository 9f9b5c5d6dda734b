import assert from 'node:assert/strict'
import { after } from 'node:test'
import plugin from '@labgate/auth-auth0'
import { authConformance, callbackReply, manualClock } from '@labgate/testkit'
import { auth0Client, startAuth0 } from '../../support/auth0-upstream.ts'
import type { Faults } from '../../support/upstream.ts'

const ada = { sub: 'auth0|1', name: 'Ada', email: 'ada@example.org', email_verified: true, org_id: 'org_1' }
const auth0 = await startAuth0({
  users: [ada],
  redirectUris: ['auth0', 'one', 'other'].map((id) => `https://gate.example/sign-in/${id}/callback`),
})
after(() => auth0.close())

type Lie = Pick<Partial<Faults>, 'idToken' | 'userinfo' | 'secret'>

const lying = (lie: Lie) => () => {
  Object.assign(auth0.faults, lie)
  return () => {
    for (const key of Object.keys(lie) as (keyof Lie)[]) delete auth0.faults[key]
  }
}

type Claims = Record<string, unknown>
const both = (change: (claims: Claims) => Claims) => lying({ idToken: change, userinfo: change })
const changed = (changes: object) => both((claims) => ({ ...claims, ...changes }))

authConformance({
  plugin,
  config: {
    domain: auth0.issuer,
    clientId: auth0Client.client_id,
    clientSecret: auth0Client.client_secret,
    organization: 'org_1',
    emails: ['ada@example.org'],
    logout: 'tenant',
  },
  fetch: globalThis.fetch,
  clock: () => manualClock(new Date()),
  hostile: {
    wrongNonce: changed({ nonce: 'of-another-attempt' }),
    otherIssuer: changed({ iss: 'https://other.eu.auth0.com/' }),
    unverifiedEmail: changed({ email_verified: false }),
  },
  faults: [
    { name: 'refuses an ID token for another application', arrange: changed({ aud: 'another-client' }) },
    { name: 'refuses who is not verified: no flag', arrange: changed({ email_verified: undefined }) },
    { name: 'refuses who is not verified: a flag that is a text', arrange: changed({ email_verified: 'true' }) },
    { name: 'refuses who has no address', arrange: changed({ email: undefined }) },
    { name: 'refuses who is not on the list', arrange: changed({ email: 'eve@example.org' }) },
    { name: 'refuses another organisation', arrange: changed({ org_id: 'org_2' }) },
    { name: 'refuses no organisation', arrange: changed({ org_id: undefined }) },
    {
      name: 'refuses an ID token signed with the shared secret',
      arrange: lying({ secret: auth0Client.client_secret }),
    },
  ],
  async answer({ step }) {
    assert.ok('to' in step)
    return callbackReply(await auth0.signIn(step.to, ada.sub))
  },
})
