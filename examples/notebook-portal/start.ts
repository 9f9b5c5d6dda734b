/** `npm start notebook-portal`: Labgate with the config beside this file, and a line on where to click. @module */
import { join } from 'node:path'
import { createLabgate, processEnv, readConfig } from '@labgate/core'
import { assertEngine } from './engine.ts'

const file = process.argv[2] ?? join(import.meta.dirname, 'labgate.yaml')

try {
  const loaded = await readConfig(file, { env: processEnv() })
  const { issuer, mail } = loaded.config
  await assertEngine(loaded.config)
  const labgate = await createLabgate(loaded)
  await labgate.start()
  process.stdout.write(welcome(issuer, mail?.outbox ?? 'the outbox'))
  const stop = () => void labgate.stop().then(() => process.exit(0))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
} catch (error) {
  process.stderr.write(`labgate: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

function welcome(issuer: string, outbox: string): string {
  const lines = [
    ['Notebooks', `${issuer}/workspaces   sign in as ada@lab.example`],
    ['Mail', `${outbox}   nothing is sent: the newest .txt there has the code`],
  ]
  const table = lines.map(([what = '', where]) => `  ${what.padEnd(14)}${where}`).join('\n')
  return `\nLabgate is ready.\n\n${table}\n\nCtrl-C stops Labgate; notebooks go on, and it finds them again.\n`
}
