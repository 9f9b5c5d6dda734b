import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { atTurnsEnd } from '../../../core/http/turn.ts'

const request = (name: string) => ({ name }) as unknown as IncomingMessage
const response = (closed = false) => ({ closed }) as ServerResponse

test('requests of one turn are taken up together, in the order in which they came', async () => {
  const seen: string[] = []
  const listener = atTurnsEnd((req) => {
    const { name } = req as unknown as { name: string }
    seen.push(name)
    void Promise.resolve().then(() => seen.push(`${name} goes on`))
  })
  listener(request('one'), response())
  listener(request('two'), response())
  assert.deepEqual(seen, [])
  await turn()
  assert.deepEqual(seen, ['one', 'two', 'one goes on', 'two goes on'])
  listener(request('three'), response())
  await turn()
  assert.equal(seen.at(-1), 'three goes on')
})

test('of whom has left before nothing is begun that nothing would end', async () => {
  const seen: ServerResponse[] = []
  const listener = atTurnsEnd((_req, res) => void seen.push(res))
  const [gone, there] = [response(true), response()]
  listener(request('gone'), gone)
  listener(request('there'), there)
  await turn()
  assert.deepEqual(seen, [there])
})
