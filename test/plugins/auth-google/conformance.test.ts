import assert from 'node:assert/strict'
import { after } from 'node:test'
import plugin from '@labgate/auth-google'
import { authConformance, callbackReply, manualClock } from '@labgate/testkit'
import { startGoogle } from '../../support/google-upstream.ts'
import type { Faults } from '../../support/upstream.ts'

const google = await startGoogle({
  users: [{ sub: '1017', name: 'Ada', email: 'ada@example.edu', email_verified: true, hd: 'example.edu' }],
  redirectUris: ['google', 'one', 'other'].map((id) => `https://gate.example/sign-in/${id}/callback`),
})
after(() => google.close())

type Lie = Pick<Partial<Faults>, 'idToken' | 'userinfo' | 'secret'>

const lying = (lie: Lie) => () => {
  Object.assign(google.faults, lie)
  return () => {
    for (const key of Object.keys(lie) as (keyof Lie)[]) delete google.faults[key]
  }
}

const unproven = (claims: Record<string, unknown>) => ({ ...claims, email_verified: false })
const changed = (changes: object) => lying({ idToken: (claims) => ({ ...claims, ...changes }) })

authConformance({
  plugin,
  config: { issuer: google.issuer, credentials: google.credentials, hostedDomains: ['example.edu'] },
  fetch: globalThis.fetch,
  clock: () => manualClock(new Date()),
  hostile: {
    wrongNonce: changed({ nonce: 'of-another-attempt' }),
    otherIssuer: changed({ iss: 'https://accounts.google.example' }),
    unverifiedEmail: lying({ idToken: unproven, userinfo: unproven }),
  },
  faults: [
    { name: 'refuses an ID token for another application', arrange: changed({ aud: 'another-client' }) },
    { name: 'refuses an account of no organisation', arrange: changed({ hd: undefined }) },
    { name: 'refuses an organisation that only ends alike', arrange: changed({ hd: 'evilexample.edu' }) },
    { name: 'refuses a subdomain', arrange: changed({ hd: 'sub.example.edu' }) },
    { name: 'refuses a list of organisations', arrange: changed({ hd: ['example.edu'] }) },
  ],
  async answer({ step }) {
    assert.ok('to' in step)
    return callbackReply(await google.signIn(step.to, '1017'))
  },
})
