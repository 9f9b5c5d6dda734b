/** WebSockets end together: what a browser leaves is left at the app, too. @module */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createHttp, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { createForwarding } from '../../../core/workspaces/proxy.ts'
import type { Way } from '../../../core/workspaces/workspaces.ts'

const handshake =
  'GET /socket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

for (const answers of [false, true])
  test(`a browser that leaves ${answers ? 'after' : 'before'} the app has answered leaves no connection to it`, async () => {
    const app = createServer({ allowHalfOpen: false })
    const joined = once(app, 'connection') as Promise<[Socket]>
    const endpoint = { kind: 'tcp' as const, host: '127.0.0.1', port: await listening(app) }
    // Only what forwarding reads.
    const way = {
      endpoint,
      headers: {},
      basePath: '/',
      workspace: { id: 'w' },
      profile: { preset: 'command' },
    } as never
    const forwarding = createForwarding({
      ownCookies: [],
      maxBytes: 1,
      onTrouble: () => undefined,
      onTraffic: () => undefined,
    })
    const front = createHttp()
    front.on('upgrade', (req: IncomingMessage, socket, head) =>
      forwarding.upgrade(req, socket, {
        way: way as Way,
        path: '/socket',
        scheme: 'http',
        host: 'w.localhost',
        address: '127.0.0.1',
        head,
      }),
    )
    const browser = connect(await listening(front), '127.0.0.1')
    browser.on('error', () => undefined)
    browser.write(handshake)
    const [atApp] = await joined
    atApp.resume()
    if (answers) {
      atApp.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      await once(browser, 'data')
    }
    browser.resetAndDestroy()
    if (!atApp.closed) await once(atApp, 'close', { signal: AbortSignal.timeout(5000) })
    assert.ok(atApp.closed)
    forwarding.close()
    front.close()
    app.close()
  })
