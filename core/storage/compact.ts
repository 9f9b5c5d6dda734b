/**
 * Rewriting the database file, so that nothing of what was deleted is left in its free pages or in the write-ahead log.
 * It runs in a thread of its own, in the writer's turn: requests that only read go on meanwhile.
 * @module
 */
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { Fault } from '@labgate/contract'
import type { Writer } from './writer.ts'

// VACUUM alone leaves the former pages in the log; TRUNCATE answers busy = 1 while another process reads in it.
const work = `
const { parentPort, workerData } = require('node:worker_threads')
const Database = require(workerData.driver)
const database = new Database(workerData.file)
try {
  database.pragma('busy_timeout = 5000')
  database.exec('VACUUM')
  const [{ busy }] = database.pragma('wal_checkpoint(TRUNCATE)')
  parentPort.postMessage(busy)
} finally {
  database.close()
}
`

/** Makes the rewriting of one file. @throws Fault ERR_STORAGE when another process holds it */
export function createCompact({ file, writer }: { readonly file: string; readonly writer: Writer }) {
  return (): Promise<void> =>
    writer.exclusive(async () => {
      const busy = await inThread(file).catch((cause: Error) => {
        throw new Fault('ERR_STORAGE', `database: rewriting ${file} failed: ${cause.message}; run it again`, { cause })
      })
      if (busy !== 0)
        throw new Fault('ERR_STORAGE', `database: another process reads ${file}; close it and run this again`)
    })
}

function inThread(file: string): Promise<unknown> {
  const driver = fileURLToPath(import.meta.resolve('better-sqlite3'))
  const worker = new Worker(work, { eval: true, workerData: { file, driver } })
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the thread ended')))
  })
}
