/** `npm start own-plugin`: the badge office, Labgate with the config beside this file, and a line on where to click. @module */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { createLabgate, processEnv, readConfig } from '@labgate/core'
import { openOffice } from './office.ts'

const file = process.argv[2] ?? join(import.meta.dirname, 'labgate.yaml')
// What the office and Labgate agree on; a new one each time will do.
const key = processEnv().BADGE_KEY ?? randomUUID()

try {
  const loaded = await readConfig(file, { env: { ...processEnv(), BADGE_KEY: key } })
  const { issuer, plugins } = loaded.config
  const office = await openOffice(portOf(plugins.badge?.config), key)
  const labgate = await createLabgate(loaded)
  await labgate.start()
  process.stdout.write(welcome(issuer, office.origin))
  const stop = () => void Promise.all([labgate.stop(), office.close()]).then(() => process.exit(0))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
} catch (error) {
  process.stderr.write(`labgate: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}

/** The office is opened where the config looks for it. */
function portOf(config: unknown): number {
  const office = typeof config === 'object' && config !== null && 'office' in config ? String(config.office) : ''
  return Number(new URL(office).port)
}

function welcome(issuer: string, office: string): string {
  const lines = [
    ['Sign in', `${issuer}/account   and choose a badge`],
    ['Look at it', `${issuer}/console/sandbox   what the plugin says of who signs in`],
    ['Badge office', office],
  ]
  const table = lines.map(([what = '', where]) => `  ${what.padEnd(14)}${where}`).join('\n')
  return `\nLabgate is ready, with a badge office.\n\n${table}\n\nCtrl-C stops both.\n`
}
