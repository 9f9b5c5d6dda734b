import assert from 'node:assert/strict'
import { after } from 'node:test'
import plugin from '@labgate/auth-oidc'
import { authConformance, callbackReply, manualClock } from '@labgate/testkit'
import { type Faults, startUpstream, type Upstream, upstreamClient } from '../../support/upstream.ts'

const person = { sub: 'ada', name: 'Ada', email: 'ada@example.org', email_verified: true }
const redirects = ['oidc', 'one', 'other'].map((id) => `https://gate.example/sign-in/${id}/callback`)
const upstream: Upstream = await startUpstream({
  users: [person],
  clients: [{ ...upstreamClient, redirect_uris: redirects }],
})

after(() => upstream.close())

type Lie = Omit<Partial<Faults>, 'fail'>

/** The upstream lies from now on, until what is returned is called. */
const lying = (lie: Lie) => () => {
  Object.assign(upstream.faults, lie)
  return () => {
    for (const key of Object.keys(lie) as (keyof Lie)[]) delete upstream.faults[key]
  }
}

const unproven = (claims: Record<string, unknown>) => ({ ...claims, email: 'ada@example.org', email_verified: false })

authConformance({
  plugin,
  config: { issuer: upstream.issuer, clientId: upstreamClient.client_id, clientSecret: upstreamClient.client_secret },
  fetch: globalThis.fetch,
  clock: () => manualClock(new Date()),
  hostile: {
    wrongNonce: lying({ idToken: (claims) => ({ ...claims, nonce: 'of-another-attempt' }) }),
    otherIssuer: lying({ idToken: (claims) => ({ ...claims, iss: 'https://other.example' }) }),
    unverifiedEmail: lying({ idToken: unproven, userinfo: unproven }),
  },
  faults: [
    {
      name: 'refuses an ID token for another application',
      arrange: lying({ idToken: (claims) => ({ ...claims, aud: 'another-client' }) }),
    },
    {
      name: 'refuses userinfo of another person',
      arrange: lying({ userinfo: (claims) => ({ ...claims, sub: 'grace' }) }),
    },
  ],
  async answer({ step }) {
    assert.ok('to' in step)
    return callbackReply(await upstream.signIn(step.to, 'ada'))
  },
})
