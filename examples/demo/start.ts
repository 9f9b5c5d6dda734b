/** `npm start`: the demo university, Labgate with `config/labgate.yaml`, and the demo application, each on this machine. @module */
import { createLabgate, processEnv, readConfig } from '@labgate/core'
import { startRelyingParty } from './relying-party.ts'
import { startUniversity } from './university.ts'

/** In the config for everybody to read: it proves nothing, and is taken with `demo: true` only. */
const clientSecret = 'demo-only-not-a-secret'

const loaded = await readConfig(process.argv[2] ?? 'config/labgate.yaml', { env: processEnv() })
const { config } = loaded
const { issuer } = config
const labgate = await createLabgate(loaded)
const university = await startUniversity({
  clientId: 'labgate',
  clientSecret,
  redirectUris: [`${issuer}/sign-in/university/callback`],
  postLogoutRedirectUris: [`${issuer}/`],
})
const application = await startRelyingParty({ issuer, clientId: 'demo-rp', clientSecret })
const { firstAdminCode } = await labgate.start()

const admin = `sign in, open ${issuer}/account and type in this code, good once: ${firstAdminCode}`
const lines = [
  ['Click here', `${application.origin}  and sign in, as one of the people of Demo University or by e-mail`],
  ['Mail lies in', `${config.mail?.outbox ?? 'the outbox'}  (the newest file has the link and the code)`],
  ['Your account', `${issuer}/account`],
  ['First admin', firstAdminCode === undefined ? 'there is one already' : admin],
]
const table = lines.map(([what = '', how]) => `  ${what.padEnd(14)}${how}`).join('\n')
process.stdout.write(
  `\nLabgate is ready, with a demo university and a demo application.\n\n${table}\n\nCtrl-C stops everything.\n`,
)

async function stop(): Promise<void> {
  await Promise.allSettled([labgate.stop(), application.close(), university.close()])
  process.exit(0)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
