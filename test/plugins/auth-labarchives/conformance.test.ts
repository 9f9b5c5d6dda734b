import assert from 'node:assert/strict'
import { after } from 'node:test'
import plugin from '@labgate/auth-labarchives'
import { authConformance, callbackReply, formReply, manualClock } from '@labgate/testkit'
import { type LabArchives, type LabFaults, startLabArchives } from '../../support/labarchives.ts'
import { configAt } from './world.ts'

const lab: LabArchives = await startLabArchives()
after(() => lab.close())

/** The stand-in is otherwise from now on, until what is returned is called. */
const otherwise = (changes: Partial<LabFaults>) => () => {
  const before = { answer: undefined, callback: undefined, ...lab.faults }
  Object.assign(lab.faults, changes)
  return () => void Object.assign(lab.faults, before)
}

const otherEmail = (xml: string) => xml.replace(/<email>[^<]*/, '<email>somebody.else@example.org')
const asGrace = (url: URL) => {
  url.searchParams.set('email', 'grace@example.org')
  return url
}
const hostile = {
  wrongNonce: 'the protocol has no nonce: the secret path of the attempt stands in for it',
  otherIssuer: 'no answer names an issuer: it is the host that was asked',
  unverifiedEmail: otherwise({ answer: otherEmail }),
}
const redeem = { fields: () => ({ email: 'ada@example.org', code: lab.code('ada') }) }
const common = { redeem, plugin, fetch: globalThis.fetch, clock: () => manualClock(new Date()), hostile }

authConformance({
  ...common,
  config: configAt(lab),
  faults: [
    {
      name: 'refuses a code that was given to another person',
      arrange: otherwise({ callback: asGrace }),
    },
    {
      name: 'refuses an answer with a document type',
      arrange: otherwise({ answer: (xml) => `<!DOCTYPE users [<!ENTITY a "b">]>${xml}` }),
    },
  ],
  async answer({ step }) {
    assert.ok('to' in step)
    return callbackReply(await lab.signIn(step.to, 'ada'))
  },
})

authConformance({
  ...common,
  plugin: { ...plugin, name: 'labarchives-manual' },
  config: configAt(lab, { manual: 'offered' }),
  input: { manual: 'on' },
  repeatable: 'the code is typed, and works for an hour as a password does',
  answer: async () => formReply({ email: 'ada@example.org', code: lab.code('ada') }),
})
