/** `labgate keys`: the keys that sign tokens, and fresh ones to seal the database with. @module */
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
        print(io, keyTable(signing))
        print(io, `\nNew secrets are sealed with key ${sealing}, the first under \`keys\`.`)
      }
      return 0
    }),
}

function keyTable(keys: readonly KeyListing[]): string {
  if (keys.length === 0) return 'No signing keys yet; the first start makes them.'
  return tableText(
    ['KEY', 'ALGORITHM', 'STATE', 'MADE'],
    keys.map(({ kid, alg, state, createdAt }) => [kid, alg, state, createdAt]),
  )
}

/** Makes new signing keys; those before them stay published. */
export const rotate: Command = {
  name: 'keys rotate',
  summary: 'Make new signing keys; the former stay published.',
  usage: [
    'keys rotate [--alg RS256|ES256] [--json]',
    'The running server signs with the new key after its next start. Tokens signed before go on being valid.',
  ].join('\n'),
  options: {
    alg: { type: 'string', value: 'ALG', description: 'Only the key of this algorithm; default both.' },
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
    const made: KeyListing[] = []
    for (const each of wanted) {
      const key = await rooms.get('keys').rotate(each)
      await note(rooms, { type: 'keys.rotated', detail: { kid: key.kid, alg: key.alg } })
      made.push(key)
    }
    if (args.values.json === true) printJson(io, made)
    else print(io, `${keyTable(made)}\n\nRestart Labgate to sign with them.`)
    return 0
  })
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
