/**
 * A dialect under watch: a module that loads it and notes who each of its handlers was told asks, so that a test sees
 * whether a guard let somebody by, and as whom.
 * @module
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Principal } from '@labgate/contract'

/** One call of a handler. */
export interface Seen {
  readonly plugin: string
  readonly route: string
  readonly principal: Principal | undefined
}

const place = Symbol.for('labgate.test.seen')

/** Calls since the last look. */
export function takeSeen(): readonly Seen[] {
  const all = globalThis as unknown as { [place]?: Seen[] }
  const seen = all[place] ?? []
  all[place] = []
  return seen
}

/** Writes the module; the path is what `use` says. */
export async function watched(folder: string, { name, file }: { name: string; file: string }): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, `${name}.mjs`)
  await writeFile(
    path,
    `import plugin from ${JSON.stringify(pathToFileURL(file).href)}
const note = (route, handle) => (ask) => {
  globalThis[Symbol.for('labgate.test.seen')].push({ plugin: ${JSON.stringify(name)}, route, principal: ask.principal })
  return handle(ask)
}
export default {
  ...plugin,
  create(context) {
    const adapter = plugin.create(context)
    const handlers = Object.fromEntries(
      Object.entries(adapter.handlers).map(([route, handle]) => [route, note(route, handle.bind(adapter.handlers))]),
    )
    return new Proxy(adapter, {
      get(target, key) {
        if (key === 'handlers') return handlers
        const value = target[key]
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  },
}
`,
  )
  return path
}
