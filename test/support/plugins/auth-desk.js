/** A sign-in for tests of reloads: whoever types a name is that person. It notes in the process which of its instances run. @module */
const running = Symbol.for('labgate.test.desks')
const begun = Symbol.for('labgate.test.desks.begun')
globalThis[running] ??= []
globalThis[begun] ??= 0
const name = { name: 'name', label: 'Name', type: 'text', required: true }

export default {
  kind: 'auth',
  name: 'desk',
  contract: 1,
  text: { en: {} },
  config: {
    type: 'object',
    additionalProperties: false,
    properties: {
      label: { type: 'string', default: 'Front desk', description: 'On its button.' },
      begin: { enum: ['well', 'broken'], type: 'string', default: 'well', description: 'Whether `begin` throws.' },
      slow: { type: 'integer', default: 0, description: 'Milliseconds that `begin` takes.' },
      key: { format: 'secret', description: 'Shown to nobody.' },
      start: { enum: ['well', 'broken'], type: 'string', default: 'well', description: 'Whether `start` throws.' },
    },
  },
  create({ id, config, clock }) {
    let open = true
    return {
      issuers: [`urn:desk:${id}`],
      card: () => ({ label: config.label }),
      async start() {
        if (config.start === 'broken') throw new Error('nobody sits there')
        globalThis[running].push(`${id} ${config.label} started`)
      },
      async stop() {
        open = false
        globalThis[running].push(`${id} ${config.label} stopped`)
      },
      async begin() {
        if (config.begin === 'broken') throw new Error('the desk is empty')
        globalThis[begun] += 1
        if (config.slow > 0) await new Promise((done) => setTimeout(done, config.slow))
        if (!open) throw new Error('the desk was closed meanwhile')
        return { form: { title: 'Who are you?', fields: [name], submit: 'Go' }, keep: {} }
      },
      next: async ({ body }) => ({
        done: {
          issuer: `urn:desk:${id}`,
          subject: body.get('name'),
          facts: [{ claim: 'name', value: body.get('name'), trust: 'asserted' }],
          amr: [],
          at: clock.now(),
        },
      }),
    }
  },
}
