// A small app that answers like a notebook server: api, api/status, api/kernels, an echo, and a WebSocket that echoes.
// Usage: node workspace-app.js BIND PORT BASEPATH SECRETS [MODE]; MODE `crash` ends at once, `never` is never ready,
// `tells` writes its token, and any path stands for a file until which it is not ready.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'

const [bind, port, base, secrets, mode = ''] = process.argv.slice(2)
console.log(`app ${mode} at ${base}`)
if (mode === 'crash') {
  console.log('cannot find the licence')
  process.exit(3)
}
const tokenFile = `${secrets}/token`
const token = existsSync(tokenFile) ? readFileSync(tokenFile, 'utf8') : undefined
if (mode === 'tells') console.log(`open http://localhost/?token=${token}`)
const started = new Date().toISOString()
const kernels = { state: 'idle' }

const server = createServer((req, res) => {
  const path = req.url ?? '/'
  const send = (status, value) => {
    res.writeHead(status, { 'content-type': 'application/json' })
    res.end(JSON.stringify(value))
  }
  if (mode.startsWith('/') && !existsSync(mode)) return send(503, { wait: true })
  if (mode === 'never') return send(503, { wait: true })
  if (!path.startsWith(base)) return send(404, { path })
  const rest = path.slice(base.length)
  if (rest === 'api') return send(200, { version: '1' })
  if (token !== undefined && req.headers.authorization !== `token ${token}`) return send(403, { message: 'Forbidden' })
  if (kernels.state === 'ill' && rest.startsWith('api/')) return send(500, {})
  if (rest === 'api/status') return send(200, { last_activity: started, started })
  if (rest === 'api/kernels') return send(200, [{ execution_state: kernels.state }])
  if (rest === 'busy' || rest === 'idle' || rest === 'ill') {
    kernels.state = rest
    return send(200, {})
  }
  if (rest === 'files') return send(200, readdirSync('.'))
  if (rest.startsWith('keep/')) {
    writeFileSync(rest.slice(5), 'kept')
    return send(200, {})
  }
  if (rest === 'lab-token') return send(200, { token: readFileSync(`${secrets}/labgate-token`, 'utf8') })
  if (rest === 'events') {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    return res.flushHeaders()
  }
  if (rest === 'cookies') {
    res.setHeader('set-cookie', [
      'theirs=1; Path=/; Domain=localhost',
      'labgate_session=evil',
      '=labgate_session=evil',
      ' LABGATE_session=evil',
      'plain=2; domain = .example.org; Secure',
    ])
    return send(200, {})
  }
  if (rest === 'flood') {
    res.writeHead(200, { 'content-type': 'application/octet-stream' })
    const part = Buffer.alloc(256 * 1024)
    let left = 800
    const more = () => {
      while (left-- > 0) if (!res.write(part)) return res.once('drain', more)
      res.end()
    }
    return more()
  }
  if (rest === 'break') {
    res.writeHead(200, { 'content-length': '100' })
    res.write('half')
    return setTimeout(() => res.destroy(), 20)
  }
  if (rest === 'slowly') return setTimeout(() => send(200, { slow: true }), 1500)
  if (rest === 'quit') {
    send(200, {})
    return setTimeout(() => process.exit(0), 20)
  }
  if (rest.startsWith('echo')) {
    let length = 0
    req.on('data', (part) => {
      length += part.length
    })
    return req.on('end', () => send(200, { method: req.method, url: path, headers: req.headers, length }))
  }
  send(200, { hello: true, url: path, headers: req.headers })
})
server.on('upgrade', (req, socket) => {
  if (token !== undefined && req.headers.authorization !== `token ${token}`)
    return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n')
  const accept = createHash('sha1')
    .update(`${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  socket.on('error', () => undefined)
  // Small frames of text come back unmasked.
  socket.on('data', (frame) => {
    const length = frame[1] & 127
    if ((frame[0] & 15) === 8) return socket.end(Buffer.from([0x88, 0]))
    if (length > 125) return
    const mask = frame.subarray(2, 6)
    const text = frame.subarray(6, 6 + length).map((byte, index) => byte ^ mask[index % 4])
    socket.write(Buffer.concat([Buffer.from([0x81, length]), text]))
  })
})
server.listen(Number(port), bind)
process.on('SIGTERM', () => process.exit(0))
