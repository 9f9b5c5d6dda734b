/**
 * A sign-in for the bench: whoever is named by `login_hint` is signed in at once, without network. It shows what the
 * house itself costs; never use it where a person could reach it.
 * @module
 */
import { type Attempt, definePlugin, type SignInAsk, type Step } from '@labgate/contract'

const issuer = 'https://at-once.example'

export default definePlugin({
  kind: 'auth',
  name: 'at-once',
  contract: 1,
  config: { type: 'object', additionalProperties: false, properties: {} },
  text: { en: { card: 'Sign in at once' } },
  create: ({ text, clock }) => ({
    issuers: [issuer],
    card: ({ locale }) => ({ label: text('card', {}, locale) }),
    begin: async ({ loginHint = 'nobody' }: SignInAsk, _: Attempt): Promise<Step> => ({
      done: {
        issuer,
        subject: loginHint,
        facts: [
          { claim: 'name', value: `Person ${loginHint}`, trust: 'asserted' },
          { claim: 'email', value: `${loginHint}@example.org`, trust: 'verified' },
          { claim: 'groups', value: ['microscopy'], trust: 'asserted' },
        ],
        amr: ['pwd'],
        at: clock.now(),
      },
    }),
  }),
})
