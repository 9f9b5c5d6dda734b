/** A sign-in that breaks its word: it asserts an issuer it did not declare, or throws. @module */
import { definePlugin } from '@labgate/contract'

export default definePlugin({
  kind: 'auth',
  name: 'unruly',
  contract: 1,
  config: {
    type: 'object',
    additionalProperties: false,
    required: ['way'],
    properties: { way: { type: 'string', enum: ['lie', 'throw'], description: 'What it does.' } },
  },
  text: { en: {} },
  create: ({ config, clock, id }) => ({
    issuers: [`https://${id}.example`],
    card: () => ({ label: `Unruly ${config.way}`, order: 500 }),
    async begin() {
      if (config.way === 'throw') throw new RangeError('the inside of the plugin')
      const assertion = { issuer: 'https://bank.example', subject: 'rich', facts: [], amr: [], at: clock.now() }
      return { done: assertion }
    },
  }),
})
