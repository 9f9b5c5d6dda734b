/** That the driver's own HTTP reads whole answers, says what is wrong with others, and holds to its number of connections. @module */
import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { TurnLine } from './browser.ts'
import { Wires, type Wish } from './wires.ts'

suite('wires', async () => {
  const wish: Wish = { method: 'GET', path: '/', headers: {}, body: undefined }
  let listener: RequestListener = () => undefined
  const server = createServer((req, res) => listener(req, res))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const wires = new Wires(origin, 2)
  after(() => {
    wires.close()
    server.closeAllConnections()
    server.close()
  })

  test('an answer that comes in pieces is one, with its cookies and where it leads', async () => {
    const text = 'Straße '.repeat(30_000)
    listener = (_, res) => {
      res.writeHead(303, {
        location: '/next',
        'set-cookie': ['a=1; Path=/', 'b=2'],
        'content-length': Buffer.byteLength(text),
      })
      res.write(text.slice(0, 10))
      setTimeout(() => res.end(text.slice(10)), 20)
    }
    assert.deepEqual(await wires.ask(wish), { status: 303, location: '/next', cookies: ['a=1; Path=/', 'b=2'], text })
  })

  test('what is asked arrives as it is', async () => {
    listener = async (req, res) => {
      const parts: string[] = []
      for await (const part of req.setEncoding('utf8')) parts.push(part)
      const { host, 'x-more': more, 'content-length': length } = req.headers
      const text = JSON.stringify([req.method, req.url, host, more, length, parts.join('')])
      res.writeHead(200, { 'content-length': Buffer.byteLength(text) }).end(text)
    }
    const { text } = await wires.ask({
      method: 'POST',
      path: '/p?q=1',
      headers: { host: 'a.example', 'x-more': 'b' },
      body: 'ü',
    })
    assert.deepEqual(JSON.parse(text), ['POST', '/p?q=1', 'a.example', 'b', '2', 'ü'])
  })

  test('no more at once than there are connections; all are answered', async () => {
    let [now, most] = [0, 0]
    listener = async (_, res) => {
      now += 1
      most = Math.max(most, now)
      await sleep(5)
      now -= 1
      res.writeHead(204).end()
    }
    const all = await Promise.all(Array.from({ length: 20 }, () => wires.ask(wish)))
    assert.deepEqual(new Set(all.map(({ status }) => status)), new Set([204]))
    assert.equal(most, 2)
  })

  test('an answer without a length, and one that never comes, are errors; the next one is asked on a connection of its own', async () => {
    listener = (_, res) => void res.writeHead(200).write('somewhat')
    await assert.rejects(wires.ask(wish), /an answer without a length: HTTP\/1.1 200/)
    listener = (req) => req.socket.destroy()
    await assert.rejects(wires.ask(wish), /closed the connection|ECONNRESET/)
    listener = (_, res) => void res.writeHead(204).end()
    assert.equal((await wires.ask(wish)).status, 204)
  })

  test('a browser of two processes asks the other one each time, and both are called by the first', async () => {
    const hosts: string[] = []
    const other = createServer((req, res) => {
      hosts.push(`other as ${req.headers.host}`)
      res.writeHead(204).end()
    })
    after(() => {
      other.closeAllConnections()
      other.close()
    })
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
    listener = (req, res) => {
      hosts.push(`first as ${req.headers.host}`)
      res.writeHead(204).end()
    }
    const { host } = new URL(origin)
    for (const begin of [0, 1]) {
      const line = new TurnLine(origin, `http://127.0.0.1:${(other.address() as AddressInfo).port}`, begin)
      for (let asked = 0; asked < 3; asked++) await line.ask('/')
      line.close()
      assert.equal(line.requests, 3)
    }
    const [first, second] = [`first as ${host}`, `other as ${host}`]
    assert.deepEqual(hosts, [first, second, first, second, first, second])
  })
})
