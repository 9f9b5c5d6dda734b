/**
 * `labgate workspace start`, `stop`, `restart`, `extend`, `reveal`, `remove`, `forget`, `message`: wishes that a running server
 * keeps at its next look (`workspaces.poll`).
 * @module
 */
import type { Rooms } from '../assembly.ts'
import type { Workspace } from '../workspaces/model.ts'
import { type Args, type Command, type Io, textOption, wordOf } from './command.ts'
import { actorFor, base, one, say } from './ledger.ts'
import { accountOf, withLabgate, withRooms } from './site.ts'
import { plain } from './table.ts'
import { workspaceOf } from './workspace.ts'

const later = 'A running server does it at its next look (`workspaces.poll`).'
const whyOption = one('TEXT', 'Why; stands in the audit trail.')

/** Starts one for somebody. */
export const start: Command = {
  name: 'workspace start',
  summary: 'Start a workspace for somebody.',
  usage: ['workspace start ACCOUNT PROFILE [--size NAME] [--image IMAGE] [--title TEXT] [--json]', later].join('\n'),
  options: {
    size: one('NAME', 'One of the sizes of the profile; default the first.'),
    image: one('IMAGE', 'One of its images; default the first.'),
    title: one('TEXT', 'A name for it.'),
    ...base,
  },
  words: ['ACCOUNT', 'PROFILE'],
  run: (args, io) =>
    withLabgate(args, io, async ({ rooms }) => {
      const account = await accountOf(rooms, wordOf(args, 0))
      const [size, image, title] = ['size', 'image', 'title'].map((name) => textOption(args, name))
      const ask = { account: account.id, profile: wordOf(args, 1), size, image, title }
      const made = await rooms.get('workspaces').request(actorFor(start), ask)
      return say(args, io, { result: made, lines: [`${made.id} is reserved for ${plain(account.username)}.`] })
    }),
}

/** Stops one. */
export const stop: Command = {
  name: 'workspace stop',
  summary: 'Stop a workspace, in whatever state it is.',
  usage: ['workspace stop ID [--why TEXT] [--json]', later].join('\n'),
  options: { why: whyOption, ...base },
  words: ['ID'],
  run: (args, io) =>
    wish(args, io, 'will be stopped', (rooms, id) => {
      const why = textOption(args, 'why')
      return rooms.get('workspaces').stop(actorFor(stop), id, why === undefined ? {} : { why })
    }),
}

/** Starts one anew. */
export const restart: Command = {
  name: 'workspace restart',
  summary: 'Start a workspace anew, whether it runs or has ended.',
  usage: ['workspace restart ID [--json]', later].join('\n'),
  options: base,
  words: ['ID'],
  // With plugins: whether the place is there is asked before a share of the quota is taken.
  run: (args, io) =>
    withLabgate(args, io, async ({ rooms }) => {
      const { id } = await workspaceOf(rooms, wordOf(args, 0))
      const after = await rooms.get('workspaces').restart(actorFor(restart), id)
      return say(args, io, { result: after, lines: [`${id} will be started anew.`] })
    }),
}

/** Lets one run longer. */
export const extend: Command = {
  name: 'workspace extend',
  summary: 'Let a workspace run longer, up to its limit.',
  usage: 'workspace extend ID [--json]',
  options: base,
  words: ['ID'],
  run: (args, io) =>
    wish(args, io, 'may run longer', (rooms, id) => rooms.get('workspaces').extend(actorFor(extend), id)),
}

/** Shows what an app past the proxy asks for. */
export const reveal: Command = {
  name: 'workspace reveal',
  summary: 'Show the credential of a workspace past the proxy, once.',
  usage: [
    'workspace reveal ID [--json]',
    'For its owner, to whom you hand it on: it stands in the audit trail, and is not shown again until a restart makes another one.',
  ].join('\n'),
  options: base,
  words: ['ID'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id } = await workspaceOf(rooms, wordOf(args, 0))
      const shown = await rooms.get('workspaces').reveal(actorFor(reveal), id)
      return say(args, io, { result: shown, lines: [`http://${shown.address}${shown.path}`, shown.credential] })
    }),
}

/** Removes one by force. */
export const remove: Command = {
  name: 'workspace remove',
  summary: 'Remove a workspace by force.',
  usage: [
    'workspace remove ID --why TEXT [--json]',
    'Its record ends even when the place where it runs does not answer; what is left there is taken away when it is found.',
    later,
  ].join('\n'),
  options: { why: whyOption, ...base },
  words: ['ID'],
  run(args, io) {
    const why = textOption(args, 'why')?.trim() ?? ''
    if (why === '') {
      io.stderr.write('labgate: --why is missing\n')
      return Promise.resolve(2)
    }
    return wish(args, io, 'will be removed', (rooms, id) =>
      rooms.get('workspaces').forceRemove(actorFor(remove), id, why),
    )
  },
}

/** Drops the record of one that has ended. */
export const forget: Command = {
  name: 'workspace forget',
  summary: 'Drop the record of a workspace that has ended.',
  usage: 'workspace forget ID [--json]',
  options: base,
  words: ['ID'],
  run: (args, io) =>
    wish(args, io, 'is forgotten', async (rooms, id) => {
      const workspace = await workspaceOf(rooms, id)
      await rooms.get('workspaces').forget(actorFor(forget), id)
      return workspace
    }),
}

/** A word to owners. */
export const message: Command = {
  name: 'workspace message',
  summary: 'Tell owners of running workspaces something, on their pages and by mail.',
  usage: 'workspace message TEXT [--runner ID] [--profile NAME] [--account ACCOUNT] [--json]',
  options: {
    runner: one('ID', 'Only on this runner.'),
    profile: one('NAME', 'Only of this app profile.'),
    account: one('ACCOUNT', 'Only of this account.'),
    ...base,
  },
  words: ['TEXT'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const account = textOption(args, 'account')
      const to = {
        runner: textOption(args, 'runner'),
        profile: textOption(args, 'profile'),
        account: account === undefined ? undefined : (await accountOf(rooms, account)).id,
      }
      const count = await rooms.get('workspaces').message(actorFor(message), to, wordOf(args, 0))
      rooms.get('mail').close()
      return say(args, io, { result: { count }, lines: [`Workspaces whose owners were told: ${count}.`] })
    }),
}

function wish(
  args: Args,
  io: Io,
  said: string,
  work: (rooms: Rooms, id: string) => Promise<Workspace>,
): Promise<number> {
  return withRooms(args, io, async (rooms) => {
    const { id } = await workspaceOf(rooms, wordOf(args, 0))
    const after = await work(rooms, id)
    return say(args, io, { result: after, lines: [`${id} ${said}.`] })
  })
}
