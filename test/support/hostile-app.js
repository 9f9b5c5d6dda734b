// An app that means no good: it speaks HTTP by hand, one canned answer for each path, and says whatever it likes.
// Usage: node hostile-app.js BIND PORT SECRETS
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'

const [bind, port, secrets] = process.argv.slice(2)
const token = readFileSync(`${secrets}/token`, 'utf8')
const page = (body, more = '') =>
  `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`
const html = `<body data-jupyter-api-token="${token}"><a href="/tree?token=${token}">Home</a></body>`
const empty = (line, more = '') => `HTTP/1.1 ${line}\r\n${more}Content-Length: 0\r\n\r\n`
const chunk = (text) => `${text.length.toString(16)}\r\n${text}\r\n`

const answers = {
  '/api': () => empty('200 OK'),
  '/page': () => page(html),
  '/redirect': () => empty('302 Found', `Location: /lab?token=${token}\r\nX-Token: ${token}\r\n`),
  '/inside': () => empty('302 Found', `Location: http://127.0.0.1:${port}/there?x=1#y\r\n`),
  '/outside': () => empty('302 Found', 'Location: https://elsewhere.example/there\r\n'),
  '/words': () =>
    empty(
      '200 OK',
      'Clear-Site-Data: "*"\r\nX-Accel-Redirect: /etc/passwd\r\nX-Sendfile: /etc/passwd\r\nX_Accel_Redirect: /x\r\n' +
        'Service-Worker-Allowed: /\r\nAlt-Svc: h2="evil.example:443"\r\nX-Accel-Buffering: no\r\nX-Own: kept\r\n',
    ),
  '/101': () => 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\nConnection: Upgrade\r\n\r\nwhatever',
  '/103': () => `HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${page('hinted')}`,
  '/204': () => 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello',
  '/304': () => 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
  '/garbage': () => 'what is this\r\n\r\n',
  '/both': () => `HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n${chunk('hello')}0\r\n\r\n`,
  '/huge': () => empty('200 OK', `X-Huge: ${'x'.repeat(64 * 1024)}\r\n`),
  '/nothing': () => undefined,
}

createServer((socket) => {
  socket.on('error', () => undefined)
  let heard = ''
  socket.on('data', (part) => {
    heard += part.toString('latin1')
    for (let end = heard.indexOf('\r\n\r\n'); end >= 0; end = heard.indexOf('\r\n\r\n')) {
      const head = heard.slice(0, end)
      heard = heard.slice(end + 4)
      const path = head.split(' ')[1].split('?')[0]
      if (path === '/in-parts') {
        socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n')
        // One letter after the other.
        for (const letter of html) socket.write(chunk(letter))
        socket.write('0\r\n\r\n')
      } else if (path === '/heads') socket.write(page(JSON.stringify(head)).replace('text/html', 'application/json'))
      else if (path === '/unread') socket.write(empty('403 Forbidden'))
      else {
        const answer = answers[path]
        const words = answer === undefined ? empty('404 Not Found') : answer()
        if (words === undefined) socket.destroy()
        else socket.write(words)
      }
    }
  })
}).listen(Number(port), bind)
process.on('SIGTERM', () => process.exit(0))
