/** What a deployer can set. Defaults stand here and nowhere else. @module */
import { type AuthContext, type ConfigOf, secret } from '@labgate/contract'

/** The schema of the config; its TypeScript type is inferred from it. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['office', 'key'],
  properties: {
    office: { type: 'string', format: 'uri', description: 'Origin of the badge office: https://badges.example.org' },
    key: secret({ description: 'Our key at the badge office.' }),
    building: { type: 'string', default: 'the lab', description: 'What people call the building, for the button.' },
  },
} as const

/** Everything the plugin may touch, with its config already checked. */
export type Context = AuthContext<ConfigOf<typeof configSchema>>
