import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Listening, listen } from '../../../core/http/listen.ts'
import { managementHandler } from '../../../core/http/management.ts'
import { createHealth } from '../../../core/observe/health.ts'
import { createMetrics } from '../../../core/observe/metrics.ts'
import { keptLog, send } from '../../support/outer-app.ts'

describe('the management listener', () => {
  const { log } = keptLog()
  const health = createHealth({ log })
  const metrics = createMetrics()
  let storageIsWell = true
  let server: Listening
  const get = (path: string, host = 'anything.example') => send(server.port ?? 0, { path, headers: { host } })
  before(async () => {
    health.add({
      name: 'storage',
      weight: 'needed',
      check: async () => ({ ok: storageIsWell, detail: 'secret reason' }),
    })
    server = await listen({
      handler: managementHandler({ health, metrics, log }),
      place: { host: '127.0.0.1', port: 0 },
    })
  })
  after(() => server.close({ graceSeconds: 0 }))

  test('says that it is alive, whatever the Host', async () => {
    assert.equal((await get('/healthz')).status, 200)
    assert.equal((await get('/healthz', '10.1.2.3')).status, 200)
  })

  test('is ready as long as all needed parts are well, and names no reasons', async () => {
    assert.deepEqual(JSON.parse((await get('/readyz')).text), { state: 'ok', parts: { storage: 'ok' } })
    storageIsWell = false
    const reply = await get('/readyz')
    storageIsWell = true
    assert.equal(reply.status, 503)
    assert.deepEqual(JSON.parse(reply.text), { state: 'down', parts: { storage: 'down' } })
  })

  test('shows our metrics and those of the process', async () => {
    metrics.request({ method: 'GET', route: '/a/:id', status: 200, seconds: 0.004 })
    const { headers, text } = await get('/metrics')
    assert.match(String(headers['content-type']), /^text\/plain/)
    assert.match(text, /labgate_http_request_seconds_count\{method="GET",route="\/a\/:id",status="200"\} 1/)
    assert.match(text, /nodejs_eventloop_lag_p99_seconds/)
  })

  test('knows nothing else', async () => {
    assert.equal((await get('/')).status, 404)
    assert.equal((await send(server.port ?? 0, { method: 'POST', path: '/metrics' })).status, 405)
  })
})
