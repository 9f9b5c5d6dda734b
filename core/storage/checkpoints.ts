/**
 * Checkpoints of the write-ahead log: its pages are copied into the database file by a thread of its own, so that
 * nobody's commit and no request waits for it. First without stopping anybody, then what came meanwhile while the
 * writer holds still: after that the log begins anew instead of growing.
 * @module
 */
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Log } from '@labgate/contract'
import type { Writer } from './writer.ts'

/** Makes a checkpoint whenever enough was written. */
export interface Checkpoints {
  /** Makes one now; says how many pages of the log are still not in the database file. */
  make(): Promise<number>
  /** Settles when none is under way that was due. */
  done(): Promise<void>
  /** Stops looking, and ends the thread. */
  close(): Promise<void>
}

export interface CheckpointNeeds {
  readonly file: string
  readonly writer: Writer
  readonly log: Log
}

const lookMs = 1000
/** Transactions, and bytes by which the log has grown, after which a checkpoint is due. */
const dueCommits = 250
const dueBytes = 4 * 1024 * 1024
/** So many pages are copied in some milliseconds; whoever writes faster than they are copied is waited for in the end. */
const fewPages = 256
const mostPasses = 6

const work = `
const { parentPort, workerData } = require('node:worker_threads')
const Database = require(workerData.driver)
const database = new Database(workerData.file)
database.pragma('busy_timeout = 5000')
parentPort.on('message', (order) => {
  if (order === 'close') {
    database.close()
    parentPort.close()
  } else {
    try {
      const [{ log, checkpointed }] = database.pragma('wal_checkpoint(PASSIVE)')
      parentPort.postMessage({ pages: { log, left: log - checkpointed } })
    } catch (error) {
      parentPort.postMessage({ error: error.message })
    }
  }
})
`

/** Begins to look after the log of one file. */
export function createCheckpoints(needs: CheckpointNeeds): Checkpoints {
  const { writer, log } = needs
  const thread = createThread(needs)
  let made = { commits: writer.commits(), bytes: bytesOf(needs.file) }
  let running: Promise<void> = Promise.resolve()
  let idle = true

  const make = async (): Promise<number> => {
    // What is written while pages are copied is copied next, until it is so little that the writer may wait for it.
    let before = 0
    for (let pass = 1; pass <= mostPasses; pass++) {
      const { log: pages } = await thread.checkpoint()
      if (Math.abs(pages - before) <= fewPages) break
      before = pages
    }
    const { left } = await writer.exclusive(() => thread.checkpoint())
    made = { commits: writer.commits(), bytes: bytesOf(needs.file) }
    return left
  }
  const isDue = () => writer.commits() - made.commits >= dueCommits || bytesOf(needs.file) - made.bytes >= dueBytes
  const look = () => {
    if (!idle || !isDue()) return
    idle = false
    running = make()
      .then(() => undefined)
      .catch((error: unknown) =>
        log.warn({ error }, 'the write-ahead log could not be checkpointed; it is tried again'),
      )
      .finally(() => {
        idle = true
      })
  }
  const timer = setInterval(look, lookMs).unref()
  return {
    make,
    done: () => running,
    close: async () => {
      clearInterval(timer)
      await running
      await thread.close()
    },
  }
}

function bytesOf(file: string): number {
  return statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0
}

/** Pages in the log, and those of them that are not in the database file. */
interface Pages {
  readonly log: number
  readonly left: number
}

interface Told {
  readonly pages?: Pages
  readonly error?: string
}

/** The thread: started when it is first needed, with as little memory as it can live with. One order at a time. */
function createThread({ file }: CheckpointNeeds) {
  let worker: Worker | undefined
  let waiting = Promise.withResolvers<Pages>()
  const start = (): Worker => {
    const driver = fileURLToPath(import.meta.resolve('better-sqlite3'))
    const limits = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 }
    const started = new Worker(work, { eval: true, execArgv: [], workerData: { file, driver }, resourceLimits: limits })
    started.on('message', ({ pages, error }: Told) => {
      started.unref()
      if (pages === undefined) waiting.reject(new Error(error))
      else waiting.resolve(pages)
    })
    started.on('error', (error) => waiting.reject(error))
    started.once('exit', () => {
      worker = undefined
      waiting.reject(new Error('the thread ended'))
    })
    started.unref()
    return started
  }
  return {
    checkpoint: (): Promise<Pages> => {
      waiting = Promise.withResolvers<Pages>()
      worker ??= start()
      // Somebody may have nothing else to wait for: a command that writes much must not end in the middle.
      worker.ref()
      worker.postMessage('checkpoint')
      return waiting.promise
    },
    close: async (): Promise<void> => {
      const last = worker
      if (last === undefined) return
      // Nobody waits for an order any more: what its end says is for nobody.
      waiting.promise.catch(() => undefined)
      const ended = new Promise<void>((resolve) => void last.once('exit', () => resolve()))
      last.ref()
      last.postMessage('close')
      await ended
    },
  }
}
