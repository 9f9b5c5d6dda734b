/** Commands on a database of their own: a folder with a config file, migrated, without a server. @module */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccountState } from '@labgate/contract'
import { assemble, type Rooms } from '../../core/assembly.ts'
import { readConfig } from '../../core/config/load.ts'
import { createLog } from '../../core/observe/log.ts'
import { type Done, labgate, writeConfig } from './command-line.ts'

/** A folder in which commands run. */
export interface CommandFolder {
  readonly path: string
  /** Runs a command in this process. */
  run(...argv: string[]): Promise<Done>
  /** What a command that must succeed prints with `--json`. */
  json(...argv: string[]): Promise<ReturnType<typeof JSON.parse>>
  /** What a command that must succeed prints. */
  text(...argv: string[]): Promise<string>
  /** How a command fails: its exit code, and what it says. */
  fails(...argv: string[]): Promise<string>
  /** Writes a file into the folder. */
  file(name: string, text: string): Promise<void>
  /** Works on the rooms of the same config, as a server would have them. */
  rooms<T>(work: (rooms: Rooms) => Promise<T>): Promise<T>
  /** Makes a person with a proved address; returns the id. */
  person(email: string, state?: AccountState): Promise<string>
  remove(): Promise<void>
}

/** Makes one; `part` is laid over a small config. */
export async function commandFolder(part: Readonly<Record<string, unknown>> = {}): Promise<CommandFolder> {
  const path = await mkdtemp(join(tmpdir(), 'labgate-commands-'))
  await writeConfig(path, {
    ...{ issuer: 'http://localhost:1', demo: true, data: path },
    mail: { from: { address: 'lab@example.org' }, outbox: join(path, 'outbox') },
    plugins: { email: { use: '@labgate/auth-email' } },
    ...part,
  })
  const run = (...argv: string[]) => labgate([...argv, '--config', join(path, 'labgate.yaml')], { cwd: path })
  const done = async (...argv: string[]) => {
    const { code, out, err } = await run(...argv)
    assert.equal(code, 0, `${argv.join(' ')}: ${err}`)
    return out
  }
  const rooms: CommandFolder['rooms'] = async (work) => {
    const { config } = await readConfig(join(path, 'labgate.yaml'), { env: {} })
    const log = createLog({ clock: { now: () => new Date() }, level: 'error', style: 'json', write: () => undefined })
    const opened = await assemble(config, { replaced: { log } })
    try {
      return await work(opened)
    } finally {
      await opened.get('storage').close()
    }
  }
  await done('migrate')
  return {
    path,
    run,
    rooms,
    text: done,
    json: async (...argv) => JSON.parse(await done(...argv, '--json')),
    async fails(...argv) {
      const { code, out, err } = await run(...argv)
      assert.equal(out, '', argv.join(' '))
      assert.ok(code === 1 || code === 2, `${argv.join(' ')}: ${code}`)
      return err
    },
    file: (name, text) => writeFile(join(path, name), text),
    person: (email, state) => rooms((opened) => addPerson(opened, email, state)),
    remove: () => rm(path, { recursive: true, force: true }),
  }
}

/** Makes a person with a proved address; returns the id. */
export function addPerson(opened: Rooms, email: string, state: AccountState = 'active'): Promise<string> {
  const facts = [{ claim: 'email', value: email, trust: 'verified' }] as const
  return opened.get('storage').transaction(async (em) => {
    const id = await opened.get('accounts').createIn(em, { facts, state, role: 'user' })
    const assertion = { issuer: 'urn:mail', subject: `${email}-${id}`, facts, authenticatedAt: new Date(), amr: [] }
    const source = { instance: 'email', realm: 'email' }
    // What linking reads of an assertion.
    await opened.get('identities').linkIn(em, id, { source, assertion: assertion as never })
    return id
  })
}
