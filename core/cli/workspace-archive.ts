/** `labgate workspace archive`: what somebody has stored, as a file. @module */
import { open, unlink } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { Fault } from '@labgate/contract'
import type { Rooms } from '../assembly.ts'
import type { Profile } from '../workspaces/model.ts'
import { type Args, type Command, textOption, wordOf } from './command.ts'
import { actorFor, base, one, say } from './ledger.ts'
import { accountOf, withLabgate } from './site.ts'
import { plain } from './table.ts'

/** Writes it down. */
export const archive: Command = {
  name: 'workspace archive',
  summary: 'Write what somebody has stored into a file, as a tar archive.',
  usage: [
    'workspace archive ACCOUNT --out FILE [--profile NAME] [--json]',
    'Asks the runner of this config. The file is readable by you alone, replaces none, and is there whole or not at all.',
  ].join('\n'),
  options: {
    out: one('FILE', 'Where to; nothing may be there.'),
    profile: one('NAME', 'The app profile it belongs to; needed where several keep files.'),
    ...base,
  },
  words: ['ACCOUNT'],
  run(args, io) {
    const out = textOption(args, 'out') ?? ''
    if (out === '') {
      io.stderr.write('labgate: --out is missing\n')
      return Promise.resolve(2)
    }
    return withLabgate(args, io, async ({ rooms, registry }) => {
      const { id } = await accountOf(rooms, wordOf(args, 0))
      const { name: profile, runner } = profileOf(rooms, args)
      const place = registry.runners().find((instance) => instance.id === runner)?.runner
      await place?.start?.(new AbortController().signal)
      try {
        const parts = await rooms.get('workspaces').archive(actorFor(archive), { account: id, profile })
        const bytes = await writeWhole(resolve(io.cwd, out), parts)
        return say(args, io, { result: { file: out, bytes }, lines: [`${plain(out)}: ${bytes} bytes.`] })
      } finally {
        await place?.stop?.()
      }
    })
  },
}

/** The profile that is meant. @throws Fault ERR_INPUT, ERR_NOT_FOUND */
function profileOf(rooms: Rooms, args: Args): Profile {
  const { profile } = rooms.get('workspaces')
  const all = Object.keys(rooms.get('config').workspaces.profiles).flatMap((name) => profile(name) ?? [])
  const keeping = all.filter(({ mounts }) => mounts.some(({ of }) => of === 'person'))
  const named = textOption(args, 'profile')
  const [only, another] = keeping
  if (named === undefined && (only === undefined || another !== undefined)) {
    const names = keeping.map(({ name }) => plain(name)).join(', ')
    throw new Fault('ERR_INPUT', `--profile is missing; profiles that keep files: ${names || 'none'}`)
  }
  const found = named === undefined ? only : all.find(({ name }) => name === named)
  if (found === undefined) throw new Fault('ERR_NOT_FOUND', `there is no profile ${plain(named ?? '')}`)
  return found
}

/** A file that is there whole or not at all; answers its bytes. A signal ends it, too. @throws Fault ERR_CONFLICT */
async function writeWhole(file: string, parts: AsyncIterable<Uint8Array>): Promise<number> {
  // Neither over what is there nor through a link.
  const handle = await open(file, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new Fault('ERR_CONFLICT', `${plain(file)} is there already`)
    throw new Fault('ERR_INPUT', `${plain(file)} cannot be written: ${error.code}`)
  })
  const leaving = new AbortController()
  const leave = () => leaving.abort()
  const signals = ['SIGINT', 'SIGTERM'] as const
  for (const signal of signals) process.once(signal, leave)
  const target = handle.createWriteStream({ flush: true })
  try {
    await pipeline(parts, target, { signal: leaving.signal })
    return target.bytesWritten
  } catch (error) {
    await unlink(file).catch(() => undefined)
    if (leaving.signal.aborted) throw new Fault('ERR_INPUT', 'interrupted; nothing is kept')
    throw error
  } finally {
    for (const signal of signals) process.removeListener(signal, leave)
  }
}
