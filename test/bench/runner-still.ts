/** A place to run where nothing runs: every workspace is one app that is there already. What is left to measure is ours. @module */
import { type ConfigOf, definePlugin, type Json, type Runner, type RunnerContext } from '@labgate/contract'

const configSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['port'],
  properties: { port: { type: 'integer', description: 'Where the app listens.' } },
} as const

export default definePlugin({
  kind: 'runner',
  name: 'still',
  contract: 1,
  config: configSchema,
  text: { en: {} },
  create: ({ config: { port } }: RunnerContext<ConfigOf<typeof configSchema>>): Runner<Json> => ({
    state: { schema: { type: 'object' } as never, version: 1, migrate: (old) => old },
    capabilities: () => ({
      ...({ memory: 'none', cpu: 'none', storage: 'none', pids: 'none', gpu: 'none', network: 'none' } as const),
      ...{ logs: false, stats: false, discover: false },
    }),
    plan: ({ instance }) => ({ instance, summary: 'It is there.', detail: { instance } }),
    async launch({ instance }, { save }) {
      await save({ instance })
      return { instance }
    },
    inspect: async () => ({ state: 'running' }),
    inspectAll: async (states) => states.map(() => ({ state: 'running' })),
    endpoint: async () => ({ kind: 'tcp', host: '127.0.0.1', port }),
    terminate: async () => undefined,
    remove: async () => undefined,
    async *discover() {
      // Nothing is ever left behind.
    },
  }),
})
