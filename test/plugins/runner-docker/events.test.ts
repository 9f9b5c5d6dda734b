/** What an engine tells, made of its own words: noise, others' containers, ends without labels, and a stream that breaks. */
import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import runnerDocker from '@labgate/runner-docker'
import { testContext } from '@labgate/testkit'
import { tempFolder } from '../../support/program.ts'

const installation = 'ours'
const labels = (instance: string, of = installation) => ({ 'labgate.instance': instance, 'labgate.installation': of })
let folder: Awaited<ReturnType<typeof tempFolder>>
let socket: string
let tell: (events: ServerResponse) => void = () => undefined

const server = createServer((req, res) => {
  if (req.url?.includes('/events')) {
    res.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    return tell(res)
  }
  const there = req.url?.includes('/containers/bare/')
  res.writeHead(there ? 200 : 404, { 'content-type': 'application/json' })
  res.end(JSON.stringify(there ? { Config: { Labels: labels('bare') } } : { message: 'no such container' }))
})

before(async () => {
  folder = await tempFolder()
  socket = join(folder.path, 'engine.sock')
  await new Promise<void>((done) => server.listen(socket, done))
})
after(async () => {
  server.closeAllConnections()
  await new Promise((done) => server.close(done))
  await folder.remove()
})

function runner() {
  const { context } = testContext({ plugin: runnerDocker, config: { socket } })
  return runnerDocker.create({ ...context, installation })
}

const event = (Action: string, Attributes: object, ID = 'x') =>
  JSON.stringify({ Type: 'container', Action, Actor: { ID, Attributes } })

test('it hears ends of ours alone, in whatever pieces they come, and throws when the engine breaks off', async () => {
  const text = [
    event('start', labels('started')),
    event('exec_create: sh', labels('busy')),
    event('die', labels('theirs', 'other')),
    'no JSON at all',
    'null',
    event('oom', labels('first')),
    event('die', { image: 'x' }, 'gone'),
    event('died', { image: 'x' }, 'bare'),
    event('health_status: unhealthy', labels('ill')),
    event('destroy', labels('first')),
    '',
  ].join('\n')
  tell = (res) => {
    res.write(text.slice(0, 300))
    setImmediate(() => {
      res.write(text.slice(300))
      setTimeout(() => res.destroy(), 50)
    })
  }
  const heard: string[] = []
  await assert.rejects(async () => {
    for await (const { instance, what } of runner().watch?.(new AbortController().signal) ?? [])
      heard.push(`${instance} ${what}`)
  })
  assert.deepEqual(heard, ['first oom', 'bare died', 'ill health_status: unhealthy', 'first destroy'])
})

test('it ends without a word when it is left, and leaves no connection', { timeout: 5000 }, async () => {
  const leaving = new AbortController()
  const closed = new Promise<void>((done) => {
    tell = (res) => {
      res.once('close', done)
      res.write(`${event('die', labels('one'))}\n`)
    }
  })
  for await (const { instance } of runner().watch?.(leaving.signal) ?? []) {
    assert.equal(instance, 'one')
    leaving.abort()
  }
  await closed
})
