/**
 * A whole Labgate in a process of its own, made to be killed: told by IPC to stop at the n-th passing of a pause
 * point, it says so on standard output and then holds still in the middle of that step.
 * Arguments: folder, port, where its clock goes on once it listens (milliseconds since 1970; `now`), address of a
 * PostgreSQL instead of a file.
 * @module
 */
import { writeSync } from 'node:fs'
import { startLabgate } from './labgate.ts'

const [, , folder = '', port = '', goesOn = 'now', url] = process.argv
const part = url === undefined ? {} : { database: { url, connections: 10 } }
let armed: { readonly point: string; left: number } | undefined
let ahead = 0
let behindMs: number | undefined

/** Blocks the whole process: nothing of the step goes on, no answer leaves. */
function pause(point: string): void {
  if (armed?.point !== point || --armed.left > 0) return
  writeSync(1, `held ${point}\n`)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

const clock = {
  now: () => new Date(behindMs === undefined && goesOn !== 'now' ? Number(goesOn) : here() + ahead * 1000),
}
const here = () => Date.now() - (behindMs ?? 0)
const site = await startLabgate(part, { folder, port: Number(port), storage: { pause }, replaced: { clock } })

interface Order {
  readonly arm?: { readonly point: string; readonly passing: number }
  readonly cleanAheadSeconds?: number
}

process.on('message', ({ arm, cleanAheadSeconds }: Order) => {
  armed = arm === undefined ? armed : { point: arm.point, left: arm.passing }
  process.send?.('armed')
  if (cleanAheadSeconds === undefined) return
  ahead = cleanAheadSeconds
  void site.labgate.rooms.get('storage').cleaner.step(2)
})
behindMs = goesOn === 'now' ? 0 : Date.now() - Number(goesOn)
process.send?.({ behindMs })
