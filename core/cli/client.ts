/** `labgate client list` and `client show`: the relying parties, and what they would be told of a person. @module */
import type { Rooms } from '../assembly.ts'
import { type ClaimValue, claimsOfScope } from '../oidc/claims.ts'
import type { ClientListing, ClientSettings } from '../oidc/clients.ts'
import { pairwiseSubject, sectorOf } from '../oidc/pairwise.ts'
import { type Command, configOption, jsonOption, print, printJson, textOption, wordOf } from './command.ts'
import { accountOf, clientOf, withRooms } from './site.ts'
import { pairsText, plain, tableText } from './table.ts'

/** Lists all relying parties. */
export const list: Command = {
  name: 'client list',
  summary: 'List relying parties, of the config file and added by command.',
  usage: 'client list [--json]',
  options: { config: configOption, json: jsonOption },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const clients = await rooms.get('clients').list()
      if (args.values.json === true) printJson(io, clients.map(clientJson))
      else print(io, clients.length === 0 ? 'No clients.' : clientTable(clients))
      return 0
    }),
}

function clientTable(clients: readonly ClientListing[]): string {
  return tableText(
    ['CLIENT', 'NAME', 'KIND', 'FROM', 'REDIRECT URIS'],
    clients.map(({ id, source, settings }) => [
      id,
      settings.name,
      kindOf(settings),
      source,
      settings.redirectUris.join(' '),
    ]),
  )
}

function kindOf(settings: ClientSettings): string {
  const kind = settings.public ? 'public' : 'confidential'
  return settings.firstParty ? `${kind}, first party` : kind
}

/** A client as scripts read it; its secret is never shown again. */
export function clientJson({ id, source, settings }: ClientListing) {
  const { secret: _, ...rest } = settings
  return { id, source, ...rest }
}

/** Shows one relying party, and the claims an account would give it. */
export const show: Command = {
  name: 'client show',
  summary: 'Show a relying party, and what it would be told of an account.',
  usage: [
    'client show ID [--account ID|USERNAME] [--json]',
    'The preview has every scope that the client may ask for. Claims that plugins add are not in it.',
  ].join('\n'),
  options: {
    account: {
      type: 'string',
      value: 'NAME',
      description: 'Preview the claims of this account, each with its source.',
    },
    config: configOption,
    json: jsonOption,
  },
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const client = await clientOf(rooms, wordOf(args, 0))
      const name = textOption(args, 'account')
      const claims = name === undefined ? undefined : await preview(rooms, { client, name })
      if (args.values.json === true) printJson(io, { ...clientJson(client), ...(claims ? { claims } : {}) })
      else {
        const pairs = Object.entries(clientJson(client)).map(([key, value]) => [key, shown(value)] as const)
        print(io, pairsText(pairs))
        if (claims) print(io, `\n${claimTable(claims)}`)
      }
      return 0
    }),
}

interface PreviewedClaim extends ClaimValue {
  readonly scope: string
}

async function preview(
  rooms: Rooms,
  { client, name }: { client: ClientListing; name: string },
): Promise<readonly PreviewedClaim[]> {
  const account = await accountOf(rooms, name)
  const person = { account, facts: await rooms.get('identities').facts(account.id) }
  const map = rooms.get('config').claims
  const { scopes } = client.settings
  const subject = { scope: 'openid', claim: 'sub', ...(await subjectOf(rooms, client, account.id)) }
  const others = Object.keys(map)
    .filter((scope) => scopes === undefined || scopes.includes(scope))
    .flatMap((scope) => claimsOfScope(map, scope, person).map((claim) => ({ scope, ...claim })))
  return [subject, ...others.filter(({ claim }) => claim !== 'sub')]
}

/** What the client calls the account: its id, or one for the client's host alone. */
async function subjectOf(rooms: Rooms, { settings }: ClientListing, account: string) {
  if (settings.subjectType !== 'pairwise') return { value: account, source: 'kept by this Labgate for the account' }
  const sector = sectorOf(settings)
  const value = pairwiseSubject(await rooms.get('pairwise').salt(), sector, account)
  return { value, source: `made for clients of ${sector}` }
}

function claimTable(claims: readonly PreviewedClaim[]): string {
  return tableText(
    ['SCOPE', 'CLAIM', 'VALUE', 'SOURCE'],
    claims.map(({ scope, claim, value, source }) => [scope, claim, value, source]),
  )
}

function shown(value: unknown): unknown {
  return Array.isArray(value) ? value.map(plain).join(' ') : value
}
