/**
 * One of several Labgates on one PostgreSQL, in a process of its own. Argument: what it is started with, as JSON. Orders
 * come by IPC, and so do answers.
 * @module
 */
import { type Part, startLabgate } from './labgate.ts'

interface Start {
  readonly folder: string
  readonly port: number
  readonly part: Part
}

const { folder, port, part } = JSON.parse(process.argv[2] ?? '{}') as Start
const site = await startLabgate(part, { folder, port })
process.send?.({ firstAdminCode: site.firstAdminCode })
