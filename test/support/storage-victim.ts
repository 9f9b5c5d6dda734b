/**
 * A process that works on a storage and kills itself (SIGKILL) at the n-th passing of a pause point; it ends with 0 when
 * it has not come there after many rounds.
 * Arguments: file, pause point, n, a name for this round. Each step it was told is durable goes to standard output.
 * @module
 */
import { writeSync } from 'node:fs'
import { openStorage, type Storage } from '../../core/storage/storage.ts'
import { createTestClock, testKeys } from './storage.ts'

const [, , file = '', point = '', passing = '', round = ''] = process.argv
let left = Number(passing)

const ignore = () => undefined
const clock = createTestClock()

function pause(name: string): void {
  if (name === point && --left === 0) {
    process.kill(process.pid, 'SIGKILL')
    // The signal is not always there before the next statement.
    for (;;);
  }
}

function tell(line: string): void {
  writeSync(1, `${line}\n`)
}

async function flow({ artifacts }: Storage, name: string): Promise<void> {
  const grantId = `grant-${name}`
  const expiresAt = clock.now().getTime() / 1000 + 600
  const put = { payload: { name }, grantId, expiresAt }
  await artifacts.put({ ...put, model: 'AuthorizationCode', id: `code-${name}` })
  await artifacts.put({ ...put, model: 'PushedAuthorizationRequest', id: `old-${name}`, expiresAt: 1 })
  tell(`issued ${name}`)
  const exchange = artifacts.unit()
  exchange.consume('AuthorizationCode', `code-${name}`)
  exchange.put({ ...put, model: 'AccessToken', id: `access-${name}` })
  exchange.put({ ...put, model: 'RefreshToken', id: `refresh-${name}` })
  await exchange.commit()
  tell(`redeemed ${name}`)
  const rotation = artifacts.unit()
  rotation.consume('RefreshToken', `refresh-${name}`)
  rotation.put({ ...put, model: 'RefreshToken', id: `rotated-${name}` })
  await rotation.commit()
  tell(`rotated ${name}`)
}

const storage = await openStorage({
  file,
  clock,
  keys: testKeys,
  log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
  pause,
})
for (let n = 0; n < 12; n++) {
  await Promise.all([flow(storage, `${round}-${n}-a`), flow(storage, `${round}-${n}-b`)])
  await storage.cleaner.step(1)
}
