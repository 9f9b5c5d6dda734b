import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'

const module = join(import.meta.dirname, '..', '..', '..', 'core', 'http', 'listen.ts')

/** Megabytes that became old in a process of its own while it answered; each request holds eight kilobytes until it is over. */
function grown(): number {
  const work = `
    import { once } from 'node:events'
    import { connect } from 'node:net'
    import { getHeapSpaceStatistics } from 'node:v8'
    import { listen } from ${JSON.stringify(module)}
    const handler = (req, res) => {
      req.ballast = new Array(1000).fill(0)
      setImmediate(() => res.end('x'))
    }
    const server = await listen({ handler, place: { host: '127.0.0.1', port: 0 } })
    const ask = 'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'
    const line = async (socket, times) => {
      for (let turn = 0; turn < times; turn++) {
        socket.write(ask)
        await once(socket, 'data')
      }
    }
    const sockets = Array.from({ length: 16 }, () => connect(server.port, '127.0.0.1'))
    const load = (times) => Promise.all(sockets.map((socket) => line(socket, times)))
    const old = () => getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space').space_used_size
    await load(50)
    // What is there now is old.
    gc()
    const before = old()
    await load(300)
    console.log(Math.round((old() - before) / 1024 / 1024))
    process.exit()`
  const options = ['--expose-gc', '--max-semi-space-size=1', '--input-type=module']
  const { stdout, stderr } = spawnSync(process.execPath, [...options, '--eval', work], { encoding: 'utf8' })
  assert.match(stdout, /^-?\d+\n$/, stderr)
  return Number(stdout)
}

test('requests that are over leave nothing to the old heap', () => {
  // 4,800 requests, 38 MB in all.
  const megabytes = grown()
  assert.ok(megabytes < 8, `${megabytes} MB`)
})
