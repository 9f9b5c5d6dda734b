/** `labgate consent list`, `revoke`: what people let relying parties see. @module */
import { Fault } from '@labgate/contract'
import { revokeClientOf } from '../oidc/provider-sessions.ts'
import { type Command, wordOf } from './command.ts'
import { base, say } from './ledger.ts'
import { accountOf, note, withRooms } from './site.ts'
import { tableText } from './table.ts'

/** Lists what one person let relying parties see. */
export const list: Command = {
  name: 'consent list',
  summary: 'List what somebody lets relying parties see.',
  usage: 'consent list ACCOUNT [--json]\nACCOUNT: id, username or verified e-mail address.',
  options: base,
  words: ['ACCOUNT'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const { id, username } = await accountOf(rooms, wordOf(args, 0))
      const consents = await rooms.get('consents').list(id)
      const cells = consents.map(({ client, scopes, claims, at }) => [
        ...[client, scopes.join(' '), claims.join(' ')],
        at.toISOString(),
      ])
      const none = `${username} was asked by no relying party, or took it back.`
      const lines = cells.length === 0 ? [none] : [tableText(['CLIENT', 'SCOPES', 'CLAIMS', 'SINCE'], cells).trimEnd()]
      return say(args, io, { result: consents, lines })
    }),
}

/** Takes back what one person let one relying party see. */
export const revoke: Command = {
  name: 'consent revoke',
  summary: 'Take back what somebody let a relying party see; its tokens for them end at once.',
  usage: 'consent revoke ACCOUNT CLIENT [--json]\nThey are asked again the next time.',
  options: base,
  words: ['ACCOUNT', 'CLIENT'],
  run: (args, io) =>
    withRooms(args, io, async (rooms) => {
      const [{ id, username }, client] = [await accountOf(rooms, wordOf(args, 0)), wordOf(args, 1)]
      const consents = rooms.get('consents')
      if ((await consents.find(id, client)) === undefined)
        throw new Fault('ERR_NOT_FOUND', `${username} lets no ${client} see anything; see \`labgate consent list\``)
      // In this order: what a crash in between leaves is still listed, and can be revoked again.
      await revokeClientOf(rooms.get('storage').artifacts, { account: id, client })
      await consents.forget(id, client)
      await note(rooms, { type: 'consent.revoked', account: id, client })
      const lines = [`${client} may see nothing of ${username} now.`]
      return say(args, io, { result: { account: id, client, revoked: true }, lines })
    }),
}
