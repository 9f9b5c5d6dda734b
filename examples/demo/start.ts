/** `npm start`: the demo with `config/labgate.yaml`, and a few lines on where to click. @module */
import { processEnv, readConfig } from '@labgate/core'
import { type Demo, startDemo } from './demo.ts'

const file = process.argv[2] ?? 'config/labgate.yaml'

try {
  const loaded = await readConfig(file, { env: processEnv() })
  const demo = await startDemo(loaded)
  process.stdout.write(welcome(demo, loaded.config))
  const stop = () => void demo.stop().then(() => process.exit(0))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
} catch (error) {
  process.stderr.write(`labgate: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

type Config = Awaited<ReturnType<typeof readConfig>>['config']

/** What a newcomer needs: where to click, where mail lies, how to become the first admin. */
function welcome({ application, issuer, firstAdminCode }: Demo, { mail, log }: Config): string {
  const lines = [
    ['Click here', `${application}   and sign in: as somebody of Demo University, or by e-mail`],
    ['Mail', `${mail?.outbox ?? 'the outbox'}   nothing is sent: the newest .txt there has the code and the link`],
    ['Your account', `${issuer}/account`],
    ['First admin', firstAdminCode === undefined ? 'there is one already' : `${issuer}/account/first-admin`],
    ...(firstAdminCode === undefined ? [] : [['', `the code is ${firstAdminCode}   (good once)`]]),
    ...(log.file === undefined ? [] : [['Log', log.file]]),
  ]
  const table = lines.map(([what = '', how]) => `  ${what.padEnd(14)}${how}`).join('\n')
  return `\nLabgate is ready, with a demo university and a demo application.\n\n${table}\n\nCtrl-C stops everything.\n`
}
