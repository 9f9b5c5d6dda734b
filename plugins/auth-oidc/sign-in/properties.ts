/** The parts of a config that every sign-in at a registered application has. @module */
import { secret } from '@labgate/contract'

/** Config properties to spread into a plugin's schema: `...applicationProperties`. */
export const applicationProperties = {
  clientId: { type: 'string', minLength: 1, description: 'Id of the application registered there.' },
  clientSecret: secret({ description: 'Secret of the application.' }),
  label: { type: 'string', minLength: 1, maxLength: 60, description: 'The provider’s name on the button.' },
  callbackPath: {
    type: 'string',
    pattern: '^/[A-Za-z0-9/._~-]*$',
    description:
      'A path of ours that is registered at the provider already, from an older server; used instead of our own.',
  },
} as const
