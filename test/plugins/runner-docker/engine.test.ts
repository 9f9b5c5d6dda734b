import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Json, Runner, RunnerPlugin } from '@labgate/contract'
import { inLab, type RunnerLab, testContext } from '@labgate/testkit'
import docker from '../../../plugins/runner-docker/index.ts'
import { noDocker, startDocker } from '../../support/docker.ts'
import { loadBusybox } from '../../support/images.ts'
import { needs, programOf } from '../../support/needs.ts'
import { freePort, tempFolder } from '../../support/program.ts'
import { startRegistry } from '../../support/registry.ts'
import { busyboxApp, engineSuite } from '../../support/runner-suites.ts'
import { isTrouble } from './claims.ts'

const plugin = docker as unknown as RunnerPlugin
const run = promisify(execFile)

function runnerOn(config: object): Runner<Json> {
  return plugin.create({ ...testContext({ plugin, config }).context, installation: 'abcdef0123456789' })
}

test('an engine over TCP is asked with certificates, and answers nobody without', {
  skip: noDocker() || needs('openssl'),
}, async (t) => {
  const folder = await tempFolder()
  const files = await certificates(folder.path)
  const port = await freePort()
  const engine = await startDocker({ tls: { port, ...files.server } })
  t.after(async () => {
    await engine.close()
    await folder.remove()
  })
  await loadBusybox(engine.client)
  const tls = files.client
  const suite = { ...engineSuite(engine), config: { host: '127.0.0.1', port, tls, pull: 'never' } }
  await inLab(suite, async ({ start, runner }: RunnerLab) => {
    assert.deepEqual(await runner.health?.(), { ok: true })
    await (await start()).page()
  })
  for (const wrong of [
    { ...tls, ...files.stranger },
    { ...tls, ca: files.stranger.cert },
  ]) {
    const health = await runnerOn({ host: '127.0.0.1', port, tls: wrong }).health?.()
    assert.equal(health?.ok, false)
  }
  assert.throws(() => runnerOn({ host: '127.0.0.1', port }), { code: 'ERR_CONFIG' })
})

interface Pair {
  readonly cert: string
  readonly key: string
}

/** An authority, what it signed for the engine and for us, and somebody whom it does not know. */
async function certificates(folder: string) {
  const openssl = (...args: string[]) => run(programOf('openssl'), args, { cwd: folder })
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  await openssl('req', '-x509', ...ec, '-subj', '/CN=authority', '-keyout', 'ca.key', '-out', 'ca.pem')
  await openssl('req', '-x509', ...ec, '-subj', '/CN=stranger', '-keyout', 'stranger.key', '-out', 'stranger.pem')
  for (const [name, extension] of [
    ['server', 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth'],
    ['client', 'extendedKeyUsage=clientAuth'],
  ] as const) {
    await writeFile(join(folder, `${name}.ext`), extension)
    await openssl('req', ...ec, '-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`)
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${name}.ext`]
    await openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-out', `${name}.pem`)
  }
  const text = (name: string) => readFile(join(folder, name), 'utf8')
  const pair = async (name: string): Promise<Pair> => ({
    cert: await text(`${name}.pem`),
    key: await text(`${name}.key`),
  })
  const path = (name: string) => join(folder, name)
  return {
    server: { ca: path('ca.pem'), cert: path('server.pem'), key: path('server.key') },
    client: { ca: await text('ca.pem'), ...(await pair('client')) },
    stranger: await pair('stranger'),
  }
}

test('images are fetched from a registry, and a registry that says no is told of', { skip: noDocker() }, async (t) => {
  const engine = await startDocker()
  t.after(() => engine.close())
  const image = await loadBusybox(engine.client)
  const registry = await startRegistry(engine.client, image)
  t.after(() => registry.close())
  const suite = engineSuite(engine, { pull: 'missing' })
  const app = (name: string) => (script: string) => busyboxApp(script, `${registry.host}/${name}`)
  await inLab({ ...suite, app: app('lab/tool:1') }, async ({ start }) => {
    const told: string[] = []
    const launch = { progress: (line: string) => void told.push(line) }
    await (await start({ launch })).page()
    assert.match(told[0] ?? '', /^Fetches 127\.0\.0\.1:\d+\/lab\/tool:1\.$/)
    const asked = registry.asked()
    await start({ launch })
    assert.equal(registry.asked(), asked, 'what was there was fetched again')
  })
  await inLab({ ...engineSuite(engine, { pull: 'always' }), app: app('lab/tool:1') }, async ({ start }) => {
    const asked = registry.asked()
    await start()
    assert.ok(registry.asked() > asked, 'a newer one would not have been seen')
  })
  for (const [name, trouble] of [
    ['lab/secret:1', 'auth'],
    ['lab/none:1', 'pull_failed'],
    ['lab/torn:1', 'pull_failed'],
  ] as const)
    await inLab({ ...suite, app: app(name) }, ({ start }) => assert.rejects(start(), isTrouble(trouble)))
})

test('in a network of the engine nothing is published, and the app is reached inside', {
  skip: noDocker(),
}, async (t) => {
  const engine = await startDocker()
  t.after(() => engine.close())
  await loadBusybox(engine.client)
  await engine.client.createNetwork({ Name: 'lab', Internal: true })
  await inLab(engineSuite(engine, { network: 'lab' }), async ({ start, runner }) => {
    const { state, page } = await start()
    await page()
    const { container } = state as { container: string }
    const { NetworkSettings } = await engine.client.getContainer(container).inspect()
    assert.deepEqual(Object.values(NetworkSettings.Ports).filter(Boolean), [])
    assert.deepEqual(Object.keys(NetworkSettings.Networks), ['lab'])
    assert.equal((await runner.endpoint(state)).kind, 'tcp')
  })
})

test('a thousand containers are looked at with one question', async (t) => {
  const count = 1000
  const ids = Array.from({ length: count }, (_, index) => index.toString(16).padStart(64, '0'))
  const line = (Id: string) => ({
    ...{
      Id,
      Names: [`/labgate-${Id}`],
      Image: 'lab/notebook:1',
      ImageID: `sha256:${Id}`,
      Command: 'start',
      State: 'running',
    },
    ...{
      Created: 1,
      Status: 'Up 3 hours',
      Ports: [{ IP: '127.0.0.1', PrivatePort: 8888, PublicPort: 1, Type: 'tcp' }],
    },
    Labels: { 'labgate.installation': 'abcdef0123456789', 'labgate.instance': Id, 'labgate.account': Id },
    ...{
      HostConfig: { NetworkMode: 'default' },
      NetworkSettings: { Networks: {} },
      Mounts: [{ Name: Id, Type: 'volume' }],
    },
  })
  const answer = JSON.stringify(ids.map(line))
  let asked = 0
  const folder = await tempFolder()
  const server = createServer((_, response) => {
    asked += 1
    response.setHeader('content-type', 'application/json').end(answer)
  })
  const socket = join(folder.path, 'engine.sock')
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.after(async () => {
    server.close()
    await folder.remove()
  })
  const runner = runnerOn({ socket })
  const states = ids.map((container) => ({ container, account: 'a', storage: 's', port: 8888 }))
  const look = () => runner.inspectAll?.(states, AbortSignal.timeout(10_000))
  await look()
  const start = performance.now()
  const seen = await look()
  const each = ((performance.now() - start) * 1000) / count
  t.diagnostic(`${each.toFixed(1)} µs for each of ${count}`)
  assert.equal(asked, 2)
  assert.ok(seen?.length === count && seen.every(({ state }) => state === 'running'))
  assert.ok(each < 500, `${each} µs for each`)
})

test('the environment of the process changes nothing', async () => {
  const names = { DOCKER_HOST: 'tcp://192.0.2.1:2375', DOCKER_TLS_VERIFY: '1', DOCKER_CLIENT_TIMEOUT: '1' }
  const kept = Object.fromEntries(Object.keys(names).map((name) => [name, process.env[name]]))
  Object.assign(process.env, names)
  try {
    const health = await runnerOn({ socket: '/nowhere/engine.sock' }).health?.()
    assert.match(health?.detail ?? '', /ENOENT.*\/nowhere\/engine\.sock/)
  } finally {
    for (const [name, value] of Object.entries(kept))
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
  }
})
