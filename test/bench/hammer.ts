/** Sends requests, or messages over WebSockets, as fast as they are answered; a process of its own. Its order is its argument. @module */
import { Agent, request } from 'node:http'
import type { Socket } from 'node:net'
import { frame, join } from '../support/workspace-visit.ts'

/** What it sends, and where to. */
export interface HammerOrder {
  readonly kind: 'requests' | 'messages'
  readonly port: number
  readonly host: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly seconds: number
  readonly width: number
}

/** What came back, in a second and in milliseconds. */
export interface HammerRound {
  readonly perSecond: number
  readonly p50: number
}

const order = JSON.parse(process.argv[2] ?? '{}') as HammerOrder
const { kind, port, host, path, headers, seconds, width } = order
const agent = new Agent({ keepAlive: true, maxSockets: width })
const took: number[] = []

function once(): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, agent, headers: { host, ...headers } }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`answered ${answer.statusCode}`))
      answer.resume().once('end', resolve)
    })
    asked.once('error', reject)
    asked.end()
  })
}

async function turns(): Promise<() => Promise<void>> {
  if (kind === 'requests') return once
  const socket = (await join({ port, host, path, headers })) as Socket | number
  if (typeof socket === 'number') throw new Error(`answered ${socket}`)
  const message = frame('x'.repeat(100))
  return () =>
    new Promise((resolve) => {
      socket.once('data', () => resolve())
      socket.write(message)
    })
}

async function line(end: () => number): Promise<void> {
  const turn = await turns()
  while (performance.now() < end()) {
    const start = performance.now()
    await turn()
    took.push(performance.now() - start)
  }
}

// The first fifth warms up.
const begun = performance.now()
const from = begun + seconds * 200
const until = begun + seconds * 1200
let counted = 0
const counter = setTimeout(() => {
  counted = took.length
}, seconds * 200)
await Promise.all(Array.from({ length: width }, () => line(() => until)))
clearTimeout(counter)
const measured = took.slice(counted).toSorted((a, b) => a - b)
const round: HammerRound = {
  perSecond: measured.length / ((performance.now() - from) / 1000),
  p50: measured[Math.floor(measured.length / 2)] ?? Number.NaN,
}
process.stdout.write(JSON.stringify(round))
process.exit(0)
