import assert from 'node:assert/strict'
import { after } from 'node:test'
import plugin from '@labgate/auth-orcid'
import { authConformance, callbackReply, manualClock } from '@labgate/testkit'
import { startOrcid } from '../../support/orcid-upstream.ts'
import type { Faults } from '../../support/upstream.ts'

const id = '0000-0002-1825-0097'
const orcid = await startOrcid({
  people: [{ id, given_name: 'Josiah', family_name: 'Carberry' }],
  redirectUris: ['orcid', 'one', 'other'].map((one) => `https://gate.example/sign-in/${one}/callback`),
})
after(() => orcid.close())

const lying = (lie: Pick<Partial<Faults>, 'idToken' | 'userinfo'>) => () => {
  Object.assign(orcid.faults, lie)
  return () => {
    delete orcid.faults.idToken
    delete orcid.faults.userinfo
  }
}

const withId = (sub: string) => lying({ idToken: (claims) => ({ ...claims, sub }), userinfo: () => ({ sub }) })

authConformance({
  plugin,
  config: { ...orcid.config, employment: true },
  fetch: globalThis.fetch,
  clock: () => manualClock(new Date()),
  hostile: {
    wrongNonce: lying({ idToken: (claims) => ({ ...claims, nonce: 'of-another-attempt' }) }),
    otherIssuer: lying({ idToken: (claims) => ({ ...claims, iss: 'https://sandbox.orcid.org' }) }),
    unverifiedEmail: lying({ idToken: (claims) => ({ ...claims, email: 'ada@example.org', email_verified: true }) }),
  },
  faults: [
    { name: 'refuses an iD whose check character is wrong (ISO 7064)', arrange: withId('0000-0002-1825-0098') },
    { name: 'refuses a subject that is no iD', arrange: withId('josiah') },
    {
      name: 'refuses userinfo of another person',
      arrange: lying({ userinfo: () => ({ sub: '0000-0001-5109-3700' }) }),
    },
  ],
  async answer({ step }) {
    assert.ok('to' in step)
    return callbackReply(await orcid.signIn(step.to, id))
  },
})
