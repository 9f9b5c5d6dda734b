// A sign-in written for contract 1, in plain JavaScript and without any import. It is kept as it is: as long as
// Labgate speaks contract 1, this file must load and work unchanged.
export default {
  kind: 'auth',
  name: 'kept',
  contract: 1,
  config: {
    type: 'object',
    additionalProperties: false,
    required: ['people'],
    properties: {
      people: {
        type: 'array',
        items: { type: 'string', description: 'A user name.' },
        description: 'Who may sign in.',
      },
      label: { type: 'string', description: 'Text of the button.', default: 'Kept' },
      pause: { type: 'string', format: 'duration', description: 'How long to wait before another try.', default: '2m' },
      word: { type: 'object', format: 'secret', description: 'The word at the door.' },
    },
  },
  text: {
    en: { name: 'Your name', word: 'The word', go: 'Sign in', no: 'Nobody here is called {name}.' },
    de: { name: 'Ihr Name' },
  },
  callbackPaths: () => ['/kept/old-callback'],
  create(context) {
    const { config, clock, text } = context
    return {
      issuers: ['urn:kept'],
      card: () => ({ label: config.label, order: 7 }),
      async begin(ask) {
        const fields = [
          { name: 'name', label: text('name', {}, ask.locale), type: 'text', required: true },
          { name: 'word', label: text('word', {}, ask.locale), type: 'password' },
        ]
        return { form: { fields, submit: text('go', {}, ask.locale) }, keep: { tries: 0 } }
      },
      async next(reply) {
        const name = reply.body.get('name') ?? ''
        const known = config.people.includes(name)
        const spoken = config.word === undefined || reply.body.get('word') === config.word.reveal()
        if (!known || !spoken) {
          const message = text('no', { name }, reply.locale)
          return { no: { reason: 'denied', message, retryAfterSeconds: config.pause } }
        }
        const facts = [{ claim: 'name', value: name, trust: 'self' }]
        return { done: { issuer: 'urn:kept', subject: name, facts, amr: ['pwd'], at: clock.now() } }
      },
      async start(signal) {
        signal.throwIfAborted()
      },
      async stop() {
        // Nothing was opened.
      },
      async health() {
        return { ok: true }
      },
    }
  },
}
