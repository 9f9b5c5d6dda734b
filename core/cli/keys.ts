/** `labgate keys`: the keys that sign tokens, and fresh ones to seal the database with. @module */
import type { Config } from '../config/schema.ts'
import type { KeyListing, SigningAlgorithm } from '../oidc/keys.ts'
import {
  type Args,
  type Command,
  configOption,
  type Io,
  jsonOption,
  print,
  printJson,
  textOption,
  wordOf,
  wrongUse,
} from './command.ts'
import { note, withRooms } from './site.ts'
import { tableText } from './table.ts'

const algorithms: readonly string[] = ['RS256', 'ES256'] satisfies SigningAlgorithm[]

/** Lists signing keys and names the sealing key. */
export const list: Command = {
  name: 'keys list',
  summary: 'List the keys that sign tokens, and name the key that seals the database.',
  usage: 'keys list [--json]',
  options: { config: configOption, json: jsonOption },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const signing = await rooms.get('keys').list()
      const sealing = rooms.get('storage').ring.fingerprint
      if (args.values.json === true) printJson(io, { signing, sealing })
      else {
        print(io, keyTable(signing, rooms.get('config').signing))
        print(io, `\nNew secrets are sealed with key ${sealing}, the first under \`keys\`.`)
      }
      return 0
    }),
}

type Rules = Config['signing']

function keyTable(keys: readonly KeyListing[], rules: Rules): string {
  if (keys.length === 0) return 'No signing keys yet; the first start makes them.'
  return tableText(
    ['KEY', 'ALGORITHM', 'STAGE', 'SINCE', 'THEN'],
    keys.map((key) => [key.kid, key.alg, key.state, key.since, thenOf(key, rules)]),
  )
}

/** What becomes of a key, and when. */
function thenOf({ state, since }: KeyListing, { rotateAfter, publishBefore, keep }: Rules): string {
  const day = (seconds: number) => new Date(since.getTime() + seconds * 1000).toISOString().slice(0, 10)
  if (state === 'next') return `signs from ${day(publishBefore)}`
  if (state === 'retired') return `removed on ${day(keep)}`
  return rotateAfter === 0 ? 'stays until `keys rotate`' : `gives way on ${day(rotateAfter)}`
}

/** Begins a change of signing keys by hand. */
export const rotate: Command = {
  name: 'keys rotate',
  summary: 'Change the signing keys: the next are published, then sign; the former stay published.',
  usage: [
    'keys rotate [--alg RS256|ES256] [--now] [--json]',
    'A running server needs no restart: within 30 seconds it publishes the next key (on PostgreSQL at once), and signs with it after',
    '`signing.publishBefore`. With --now it signs at once, which services that keep old copies of the key set may refuse.',
    'Tokens signed before go on being valid. Without this command keys change by age (`signing.rotateAfter`).',
  ].join('\n'),
  options: {
    alg: { type: 'string', value: 'ALG', description: 'Only the key of this algorithm; default both.' },
    now: { type: 'boolean', description: 'Sign with it at once.' },
    config: configOption,
    json: jsonOption,
  },
  run: runRotate,
}

async function runRotate(args: Args, io: Io): Promise<number> {
  const alg = textOption(args, 'alg')
  if (alg !== undefined && !algorithms.includes(alg))
    return wrongUse(io, `--alg must be one of ${algorithms.join(', ')}`)
  // One of the algorithms, see above.
  const wanted = (alg === undefined ? algorithms : [alg]) as readonly SigningAlgorithm[]
  return withRooms(args, io, async (rooms) => {
    const keys = rooms.get('keys')
    const made = await Promise.all(
      wanted.map((each) => (args.values.now === true ? keys.rotate(each) : keys.announce(each))),
    )
    for (const { kid, alg, state } of made)
      await note(rooms, { type: 'keys.rotated', detail: { kid, alg, stage: state } })
    if (args.values.json === true) printJson(io, made)
    else print(io, keyTable(made, rooms.get('config').signing))
    return 0
  })
}

/** Takes a signing key away. */
export const remove: Command = {
  name: 'keys remove',
  summary: 'Take a signing key away at once, when its secret may be known to others.',
  usage: [
    'keys remove KID [--json]',
    'What it signed counts no more, within 30 seconds in a running server. The key in use gives way first:',
    '`labgate keys rotate --now`.',
  ].join('\n'),
  options: { config: configOption, json: jsonOption },
  words: ['KID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const kid = wordOf(args, 0)
      await rooms.get('keys').remove(kid)
      await note(rooms, { type: 'keys.rotated', detail: { kid, step: 'remove' } })
      if (args.values.json === true) printJson(io, { removed: kid })
      else print(io, `Removed ${kid}.`)
      return 0
    }),
}

/** Prints a new sealing key. */
export const fresh: Command = {
  name: 'keys new',
  summary: 'Print a new key to seal the database with.',
  usage: [
    'keys new',
    'Keep it in a file or a variable and name that first under `keys`; leave the former ones below it.',
    'Nothing is stored or changed.',
  ].join('\n'),
  options: {},
  async run(_args, io) {
    const { systemRandom } = await import('../random.ts')
    print(io, systemRandom.token())
    return 0
  },
}

/** Seals the database anew with the newest sealing key. */
export const resealAll: Command = {
  name: 'keys reseal',
  summary: 'Seal the database anew with the first sealing key, so that former ones can go.',
  usage: [
    'keys reseal [--json]',
    'First put the new key before the former ones under `keys` and restart the server; then run this; then take the',
    'former keys out and restart again. People whose cookies the former key signed sign in again.',
  ].join('\n'),
  options: { config: configOption, json: jsonOption },
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const storage = rooms.get('storage')
      const result = { resealed: await storage.reseal(), sealing: storage.ring.fingerprint }
      await note(rooms, { type: 'keys.rotated', detail: result })
      if (args.values.json === true) printJson(io, result)
      else print(io, `Sealed anew with key ${result.sealing}: ${result.resealed} values.`)
      return 0
    }),
}
