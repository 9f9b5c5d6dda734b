/** What makes a Labgate that serves read its config file again: SIGHUP, `labgate reload`, and the file itself. @module */
import { resolve } from 'node:path'
import { readConfig } from '../config/load.ts'
import type { Labgate } from '../server.ts'
import type { Io } from './command.ts'
import { openControl } from './control.ts'
import { watchFile } from './file-watch.ts'
import { reloadLines } from './reload.ts'
import type { HangUps } from './stop-signals.ts'

/** Listens until it is closed. Whatever becomes of a reload is said on standard error, and in the log. */
export async function listenForReloads(
  labgate: Labgate,
  { io, path, hangUps }: { readonly io: Io; readonly path: string; readonly hangUps: HangUps },
): Promise<{ close(): void }> {
  const config = () => labgate.rooms.get('config')
  const reload = async () => {
    await watch.known()
    const answer = await labgate.reload(() => readConfig(path, io))
    for (const line of reloadLines(answer)) io.stderr.write(`labgate: ${line}\n`)
    return answer
  }
  const watch = await watchFile(resolve(io.cwd, path), () => {
    if (config().reload.watch) void reload()
  })
  hangUps.heed(() => void reload())
  const control = await openControl({ data: resolve(io.cwd, config().data), log: labgate.rooms.get('log') }, reload)
  return {
    close() {
      watch.close()
      control.close()
    },
  }
}
