/** `npm start`: the demo university, Labgate with `config/labgate.yaml`, and the demo application, each on this machine. @module */
import { createLabgate, loadConfig, processEnv } from '@labgate/core'
import { startRelyingParty } from './relying-party.ts'
import { startUniversity } from './university.ts'

/** In the config for everybody to read: it proves nothing, and is taken with `demo: true` only. */
const clientSecret = 'demo-only-not-a-secret'

const config = await loadConfig(process.argv[2] ?? 'config/labgate.yaml', { env: processEnv() })
const issuer = new URL(config.issuer).origin
const university = await startUniversity({
  port: 8081,
  clientId: 'labgate',
  clientSecret,
  redirectUris: [`${issuer}/sign-in/university/callback`],
  postLogoutRedirectUris: [`${issuer}/signed-out`],
})
const application = await startRelyingParty({ port: 8082, issuer, clientId: 'demo-rp', clientSecret })
const labgate = await createLabgate(config)
await labgate.start()

process.stdout.write(`
Labgate is ready, with a demo university and a demo application.

  Click here     ${application.origin}   and sign in: as one of the people of Demo University, or by e-mail
  E-mail lies    in ${config.mail?.outbox ?? 'the outbox'}   open the newest file for its link and code
  Your account   ${issuer}/account
  First admin    sign in, then open ${issuer}/console and type in the code that was printed at the first start

Ctrl-C stops everything.
`)

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)

async function stop(): Promise<void> {
  await Promise.allSettled([labgate.stop(), application.close(), university.close()])
  process.exit(0)
}
