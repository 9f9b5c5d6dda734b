/** How long a WebSocket into a workspace lasts: as long as the session and the workspace do. @module */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mock, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../support/labgate.ts'
import { UserAgent } from '../support/user-agent.ts'
import { enterWorkspace, frame } from '../support/workspace-entry.ts'
import { workspaceWorld } from '../support/workspaces.ts'

suite('a WebSocket into a workspace', { timeout: 60_000 }, () => {
  test('lasts while the workspace runs and its session counts, and no longer', async () => {
    const port = await freePort()
    mock.timers.enable({ apis: ['setInterval'] })
    const world = await workspaceWorld({ workspaces: { origin: `http://*.localhost:${port}` } }, { port })
    try {
      const { account, socket: open } = await enterWorkspace({ world, agent: new UserAgent(), port })
      const socket = await open('/socket')
      for (let checks = 0; checks < 3; checks++) {
        mock.timers.tick(15_000)
        await sleep(50)
        socket.write(frame('hello'))
        const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(5000) })) as [Buffer]
        assert.equal(answer.subarray(2).toString(), 'hello', `after check ${checks}`)
      }
      const closed = once(socket, 'close', { signal: AbortSignal.timeout(5000) })
      socket.resume()
      await world.site.labgate.rooms.get('sessions').endAll(account)
      mock.timers.tick(15_000)
      await closed
    } finally {
      mock.timers.reset()
      await world.stop()
    }
  })
})
