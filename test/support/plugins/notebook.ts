/** A dialect for tests that keeps a note of everybody, hands it out and erases it; its erasing can be made to fail. @module */
import { type AuthzAdapter, type AuthzContext, type ConfigOf, definePlugin, type RouteClaim } from '@labgate/contract'

const configSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { shelf: { type: 'string', description: 'Where it stands.', default: 'upper' } },
} as const

const claims: readonly RouteClaim[] = [{ id: 'page', method: 'GET', path: '/', guard: 'public' }]

const place = Symbol.for('labgate.test.notebook')

/** What a test holds of the running plugin. */
export interface Notebook {
  write(account: string, note: string): Promise<void>
  read(account: string): Promise<unknown>
  /** Makes the next erasures fail. */
  broken: boolean
  erased: string[]
}

/** The plugin that was created last. */
export function notebook(): Notebook {
  return (globalThis as unknown as { [place]: Notebook })[place]
}

export default definePlugin({
  kind: 'authz',
  name: 'notebook',
  contract: 1,
  config: configSchema,
  text: { en: {} },
  routes: () => claims,
  create,
})

function create({ store }: AuthzContext<ConfigOf<typeof configSchema>>): AuthzAdapter {
  const book: Notebook = {
    write: (account, note) => store.put(account, { note }, 3600),
    read: (account) => store.get(account),
    broken: false,
    erased: [],
  }
  Object.assign(globalThis, { [place]: book })
  return {
    handlers: { page: async () => ({ status: 200, body: 'notes' }) },
    project: () => null,
    async erase(account) {
      if (book.broken) throw new Error('the notebook is shut')
      book.erased.push(account)
      await store.delete(account)
    },
    async *export(account) {
      const note = await store.get(account)
      if (note !== undefined) yield note
    },
  }
}
