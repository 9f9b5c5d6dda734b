/** What a deployer can set. @module */
import { type AuthContext, type ConfigOf, duration } from '@labgate/contract'

/** The config schema; an empty config works. */
export const configSchema = {
  type: 'object',
  additionalProperties: false,
  description: 'Sign-in with a link and a code sent by e-mail. All of it is optional.',
  properties: {
    domains: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 3 },
      description:
        'Domains that may sign in: `example.org` is that domain only, `*.example.org` its subdomains. Absent: any domain.',
    },
    emailDomainAllowList: {
      anyOf: [{ type: 'null' }, { type: 'array', items: { type: 'string', minLength: 3 } }],
      description:
        'The same in datalab’s spelling: null is anyone, [] is nobody, a list is these domains and their subdomains. Not together with `domains`.',
    },
    codeLifetime: duration({ description: 'How long a code and its link work, at most 10m.', default: '10m' }),
    tries: {
      type: 'integer',
      minimum: 1,
      maximum: 5,
      default: 3,
      description: 'Codes that may be typed in one sign-in; a new code does not give new tries.',
    },
    mailsPerHour: {
      type: 'integer',
      minimum: 1,
      default: 3,
      description:
        'Mails an hour to one address that one network asks for; all networks together get three times as many.',
    },
    mailsPerHourNetwork: {
      type: 'integer',
      minimum: 1,
      default: 60,
      description:
        'Mails an hour asked for from one network (IPv4 /24, IPv6 /64). A class behind one router needs more.',
    },
    mailsPerHourTotal: { type: 'integer', minimum: 1, default: 1000, description: 'Mails an hour of this sign-in.' },
  },
} as const

/** The config with its defaults filled in. */
export type Config = ConfigOf<typeof configSchema>
/** What this sign-in may touch. */
export type Context = AuthContext<Config>
