/** `labgate client add`, `remove`, `secret`: relying parties kept in the database. @module */
import { Fault } from '@labgate/contract'
import { didYouMean } from '../config/suggest.ts'
import { isPreset } from '../oidc/client-presets.ts'
import { type PresetName, presetNames, type Recipe } from '../oidc/client-recipes.ts'
import { hasSecret } from '../oidc/clients.ts'
import { createAddClient } from '../oidc/new-client.ts'
import { clientJson } from './client.ts'
import {
  type Args,
  type Command,
  configOption,
  type Io,
  jsonOption,
  type Option,
  print,
  printJson,
  textOption,
  textsOption,
  wordOf,
  wrongUse,
} from './command.ts'
import { paintFor } from './paint.ts'
import { clientOf, note, withRooms } from './site.ts'

const many = (value: string, description: string) =>
  ({ type: 'string', multiple: true, value, description: `${description}; may be repeated.` }) as const satisfies Option
const one = (value: string, description: string) => ({ type: 'string', value, description }) as const satisfies Option
const yes = (description: string) => ({ type: 'boolean', description }) as const satisfies Option

/** Adds a relying party. */
export const add: Command = {
  name: 'client add',
  summary: 'Add a relying party; its secret is printed this once.',
  usage: [
    'client add ID --preset NAME --url URL [more] [--json]',
    'client add ID --redirect-uri URI [--name NAME] [--public] [--first-party] [more] [--json]',
    'A running server knows it at once. Clients of the config file are changed there.',
    `Presets: ${presetNames.join(', ')}. One fills in what fits that program at that address, and prints the`,
    'configuration for its side; options given beside it win. docs/clients has a page for each.',
  ].join('\n'),
  options: {
    preset: one('NAME', 'Begin with what fits a program that many labs have; see below.'),
    url: one('URL', 'Where that program is reached; with --preset only.'),
    name: one('NAME', 'Name people see; default the id.'),
    'redirect-uri': many('URI', 'Where codes may be sent: https, or http on loopback'),
    'post-logout-redirect-uri': many('URI', 'Where the browser may go after signing out'),
    origin: many('ORIGIN', 'Origin whose scripts may call token and userinfo endpoints'),
    public: yes('Runs in a browser or on a person’s machine: has no secret.'),
    'first-party': yes('Ours: people are not asked for consent.'),
    'no-pkce': yes('Do not ask PKCE of it; only for old software with a secret.'),
    scope: many('SCOPE', 'Scope it may ask for; default every scope'),
    'grant-type': many('TYPE', 'Grant type it may use; default authorization_code and refresh_token'),
    'auth-method': one('METHOD', 'client_secret_basic (default), client_secret_post or private_key_jwt.'),
    'jwks-uri': one('URI', 'Where its public keys stand; for private_key_jwt and signed requests.'),
    profile: one('PROFILE', 'fapi2: the FAPI 2.0 Security Profile.'),
    par: yes('Take only requests pushed beforehand (RFC 9126).'),
    'signed-requests': yes('Take only signed requests (RFC 9101).'),
    dpop: yes('Always bind its access tokens to its key (RFC 9449).'),
    pairwise: yes('It knows people by ids that no client of another host knows.'),
    'sector-identifier-uri': one('URI', 'List of the redirect URIs of clients that share pairwise ids.'),
    'exchange-to': many('RESOURCE', 'Resource that it may exchange tokens for (RFC 8693); first party only'),
    'exchange-as': many('RESOURCE', 'Resource that it serves, whose tokens it may exchange'),
    'id-token-alg': one('ALG', 'Algorithm that signs its ID tokens: RS256 (default) or ES256.'),
    'backchannel-logout-uri': one('URI', 'Called when a session ends.'),
    resource: one('URI', 'Resource server its access tokens are for when it names none; one of the config file.'),
    homepage: one('URI', 'Its home page, linked on consent and account pages.'),
    config: configOption,
    json: jsonOption,
  },
  words: ['ID'],
  run: (args, io) => {
    const preset = presetOf(args)
    if (typeof preset === 'string') return Promise.resolve(wrongUse(io, preset))
    return withRooms(args, io, async (rooms) => {
      const { config, clients } = { config: rooms.get('config'), clients: rooms.get('clients') }
      const addClient = createAddClient({ config, clients })
      const added = await addClient({ id: wordOf(args, 0), preset, settings: settingsOf(args) })
      const { id, settings, secret, recipe } = added
      for (const warning of added.warnings) io.stderr.write(`${paintFor(io)('yellow', 'warning')} ${warning}\n`)
      await note(rooms, { type: 'client.added', client: id })
      const client = clientJson({ id, source: 'database', settings })
      const lines = [`Added ${id}.`, ...secretLines(secret), ...(recipe ? recipeLines(recipe) : [])]
      tell(args, io, { result: { ...client, secret, ...(recipe ? { recipe } : {}) }, lines })
      return 0
    })
  },
}

/** What `--preset` and `--url` say; a text is what is wrong with them. */
function presetOf(args: Args): { readonly name: PresetName; readonly url: string } | string | undefined {
  const [name, url] = [textOption(args, 'preset'), textOption(args, 'url')]
  if (name === undefined) return url === undefined ? undefined : '--url goes with --preset'
  if (!isPreset(name)) return `there is no preset ${name}${didYouMean(name, presetNames)}: ${presetNames.join(', ')}`
  if (args.values.public === true) return '--preset is for programs that keep a secret: leave --public away'
  if (url === undefined) return `--preset ${name} needs --url: where the program is reached`
  return { name, url }
}

function recipeLines({ file, text }: Recipe): string[] {
  return ['', `For the other side (${file}), with the secret in it:`, '', text.trimEnd()]
}

/** The settings as the config file would have them; what was not given is absent. */
function settingsOf(args: Args): Record<string, unknown> {
  const lists = {
    redirectUris: textsOption(args, 'redirect-uri'),
    postLogoutRedirectUris: textsOption(args, 'post-logout-redirect-uri'),
    origins: textsOption(args, 'origin'),
    scopes: textsOption(args, 'scope'),
    grantTypes: textsOption(args, 'grant-type'),
  }
  const texts = {
    name: textOption(args, 'name'),
    authMethod: textOption(args, 'auth-method'),
    jwksUri: textOption(args, 'jwks-uri'),
    profile: textOption(args, 'profile'),
    sectorIdentifierUri: textOption(args, 'sector-identifier-uri'),
    idTokenAlg: textOption(args, 'id-token-alg'),
    backchannelLogoutUri: textOption(args, 'backchannel-logout-uri'),
    resource: textOption(args, 'resource'),
    homepage: textOption(args, 'homepage'),
  }
  return {
    ...Object.fromEntries(Object.entries(lists).filter(([, values]) => values.length > 0)),
    ...Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== undefined)),
    public: args.values.public === true,
    firstParty: args.values['first-party'] === true,
    ...(args.values['no-pkce'] === true ? { pkce: false } : {}),
    ...(args.values.par === true ? { par: true } : {}),
    ...(args.values['signed-requests'] === true ? { signedRequests: true } : {}),
    ...(args.values.dpop === true ? { dpop: true } : {}),
    ...(args.values.pairwise === true ? { subjectType: 'pairwise' } : {}),
    ...exchangeOf(args),
  }
}

function exchangeOf(args: Args): Record<string, unknown> {
  const [to, as] = [textsOption(args, 'exchange-to'), textsOption(args, 'exchange-as')]
  return to.length === 0 && as.length === 0 ? {} : { tokenExchange: { to, as } }
}

/** Gives a relying party a new secret. */
export const secret: Command = {
  name: 'client secret',
  summary: 'Give a relying party a new secret; the former ends at once.',
  usage: 'client secret ID [--json]\nFor clients added by command; those of the config file have their secret there.',
  options: { config: configOption, json: jsonOption },
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id, source, settings } = await clientOf(rooms, wordOf(args, 0))
      if (source === 'config') throw new Fault('ERR_CONFLICT', `${id} is in the config file; change its secret there`)
      if (!hasSecret(settings)) throw new Fault('ERR_CONFLICT', `${id} has no secret: it is public, or signs`)
      const made = await rooms.get('clients').save(id, settings)
      await note(rooms, { type: 'client.changed', client: id, detail: { changed: 'credentials' } })
      tell(args, io, { result: { id, secret: made.secret }, lines: secretLines(made.secret) })
      return 0
    }),
}

/** Removes a relying party with everything issued to it. */
export const remove: Command = {
  name: 'client remove',
  summary: 'Remove a relying party; what was issued to it ends at once.',
  usage: 'client remove ID [--json]\nFor clients added by command; those of the config file are removed there.',
  options: { config: configOption, json: jsonOption },
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id, source } = await clientOf(rooms, wordOf(args, 0))
      if (source === 'config') throw new Fault('ERR_CONFLICT', `${id} is in the config file; remove it there`)
      await rooms.get('clients').remove(id)
      await note(rooms, { type: 'client.removed', client: id })
      tell(args, io, { result: { id, removed: true }, lines: [`Removed ${id}.`] })
      return 0
    }),
}

function secretLines(secret: string | undefined): string[] {
  return secret === undefined ? [] : [`Secret (shown only now): ${secret}`]
}

function tell(args: Args, io: Io, { result, lines }: { result: unknown; lines: readonly string[] }): void {
  if (args.values.json === true) printJson(io, result)
  else for (const line of lines) print(io, line)
}
