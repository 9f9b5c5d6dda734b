import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assetRoutes } from '../../../core/http/assets.ts'
import { startApp } from '../../support/outer-app.ts'

const style = { url: '/assets/style.0123456789ab.css', type: 'text/css; charset=utf-8', body: Buffer.from('a{}') }

test('a static file is served for ever under its hash, and nothing else is', async () => {
  const server = await startApp()
  server.app.routes.add(...assetRoutes([style]))
  try {
    const reply = await server.send({ path: style.url })
    assert.equal(reply.text, 'a{}')
    assert.equal(reply.headers['cache-control'], 'public, max-age=31536000, immutable')
    assert.equal(reply.headers['content-type'], 'text/css; charset=utf-8')
    const again = await server.send({ path: style.url, headers: { 'if-none-match': String(reply.headers.etag) } })
    assert.equal(again.status, 304)
    const hostile = [
      '/assets/',
      '/assets/style.css',
      '/assets/..%2f..%2fpackage.json',
      '/assets/../package.json',
      '/assets/%2e%2e/package.json',
      '/assets/style.0123456789ab.css%00',
      '/assets//etc/passwd',
    ]
    for (const path of hostile) assert.equal((await server.send({ path })).status, 404, path)
  } finally {
    await server.close()
  }
})
