/** `labgate account unlink`, `answer`: one way to sign in taken away, one question answered for somebody. @module */
import { createRevokeUpstream } from '../login/upstream.ts'
import { type Args, type Command, configOption, type Io, jsonOption, print, printJson, wordOf } from './command.ts'
import { accountOf, withLabgate, withRooms } from './site.ts'
import { plain } from './table.ts'

const options = { config: configOption, json: jsonOption } as const
const actor = { kind: 'system', name: 'command' } as const

/** Takes a way to sign in away. */
export const unlink: Command = {
  name: 'account unlink',
  summary: 'Take a way to sign in away from an account.',
  usage: [
    'account unlink ID|USERNAME IDENTITY [--json]',
    'IDENTITY is an id as `labgate account show --json` names it. Sessions begun with it end. The last one goes from a',
    'deactivated account only.',
  ].join('\n'),
  options,
  words: ['ID|USERNAME', 'IDENTITY'],
  run: (args, io) =>
    withLabgate(args, io, async ({ rooms, registry }) => {
      const { id, username } = await accountOf(rooms, wordOf(args, 0))
      const gone = await rooms.get('keeping').unlink(actor, id, wordOf(args, 1))
      const methodOf = (instance: string) => registry.auth().find((one) => one.id === instance)?.method
      await createRevokeUpstream({ methodOf, log: rooms.get('log') })(gone)
      const { instance, issuer, subject } = gone
      const line = `${username} does not sign in by ${instance} as ${subject} any more.`
      return say(args, io, { result: { account: id, identity: gone.id, instance, issuer, subject }, line })
    }),
}

/** Answers a question of the site for a person. */
export const answer: Command = {
  name: 'account answer',
  summary: 'Answer a profile question for a person.',
  usage: [
    'account answer ID|USERNAME QUESTION ANSWER [--json]',
    'Of a choice ANSWER is one of its values; an empty one takes an answer back. `labgate account show` prints them.',
  ].join('\n'),
  options,
  words: ['ID|USERNAME', 'QUESTION', 'ANSWER'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id, username } = await accountOf(rooms, wordOf(args, 0))
      const [question, given] = [wordOf(args, 1), wordOf(args, 2)]
      await rooms.get('profile').answer(actor, id, { [question]: given })
      const kept = (await rooms.get('profile').answers(id)).find((one) => one.question.id === question)
      const result = { account: id, question, value: kept?.value, isDue: kept?.isDue }
      return say(args, io, { result, line: `The answer of ${username} to ${question} is kept.` })
    }),
}

function say(args: Args, io: Io, { result, line }: { result: unknown; line: string }): number {
  if (args.values.json === true) printJson(io, result)
  else print(io, plain(line))
  return 0
}
