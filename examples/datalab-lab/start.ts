/** `npm start datalab-lab`: the lab with the config beside this file, and a few lines on where to click. @module */
import { join } from 'node:path'
import { processEnv, readConfig } from '@labgate/core'
import { type Lab, startLab } from './datalab-lab.ts'

const file = process.argv[2] ?? join(import.meta.dirname, 'labgate.yaml')

try {
  const loaded = await readConfig(file, { env: processEnv() })
  const lab = await startLab(loaded)
  process.stdout.write(welcome(lab, loaded.config.mail?.outbox ?? 'the outbox'))
  const stop = () => void lab.stop().then(() => process.exit(0))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
} catch (error) {
  process.stderr.write(`labgate: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}

function welcome({ issuer, datalab, behind, facade }: Lab, outbox: string): string {
  const lines = [
    ['Datalab', `${datalab}/   sign in as ada@lab.example, then enter the-key-of-ada`],
    ['Your key', `${datalab}/.labgate/key`],
    ['Your account', `${issuer}/account`],
    ['Façade', `${facade}/info`],
    ['Past nginx', `${behind}/   in a real lab nobody reaches this`],
    ['Mail', `${outbox}   nothing is sent: the newest .txt there has the code`],
  ]
  const table = lines.map(([what = '', where]) => `  ${what.padEnd(14)}${where}`).join('\n')
  return `\nLabgate is ready, with a datalab and nginx before it.\n\n${table}\n\nCtrl-C stops everything.\n`
}
