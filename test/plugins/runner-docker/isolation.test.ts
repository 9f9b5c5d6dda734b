/** Two people's containers on one engine, each of which would like to know what the other has. @module */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { inLab, type Started } from '@labgate/testkit'
import { noDocker, startDocker } from '../../support/docker.ts'
import type { Engine } from '../../support/engine.ts'
import { loadBusybox } from '../../support/images.ts'
import { needs } from '../../support/needs.ts'
import { noPodman, startPodman } from '../../support/podman.ts'
import { engineSuite } from '../../support/runner-suites.ts'

const patience = { timeout: 90_000 }

/** Whether one app reaches another one on an engine, and what the runner says of it. */
async function pair(engine: Engine, config: object = {}): Promise<[boolean, string]> {
  let answer: [boolean, string] = [false, '']
  await inLab(engineSuite(engine, config), async ({ start, runner }) => {
    const [one, other] = [await start(), await start()]
    for (let tries = 0; !(await reaches(engine, other, '127.0.0.1')); tries++) assert.ok(tries < 50, 'it never served')
    const { NetworkSettings } = await engine.client.getContainer(idOf(other)).inspect()
    const address = Object.values(NetworkSettings.Networks)[0]?.IPAddress ?? assert.fail('it has no address')
    answer = [await reaches(engine, one, address), runner.capabilities().network]
  })
  return answer
}

async function ready(t: TestContext, engine: Engine): Promise<Engine> {
  t.after(() => engine.close())
  await loadBusybox(engine.client)
  return engine
}

test('docker: an app reaches no other app', { ...patience, skip: noDocker() || needs('iptables') }, async (t) => {
  const engine = await ready(t, await startDocker({ apart: true }))
  assert.deepEqual(await pair(engine), [false, 'advisory'])
  const ours = (await engine.client.listNetworks()).filter(({ Name }) => Name.startsWith('labgate-'))
  assert.equal(ours.length, 1, 'one for all')
  assert.deepEqual(await pair(engine, { isolate: false }), [true, 'none'], 'the test sees what it is about')
  await engine.client.getNetwork('labgate-apart').remove()
  await engine.client.createNetwork({ Name: 'labgate-apart' })
  await inLab(engineSuite(engine), async ({ start }) => {
    await assert.rejects(start(), { code: 'ERR_LAUNCH', message: /carries what it must not/ })
  })
})

test('podman: an app reaches every other, and `labgate doctor` says so', {
  ...patience,
  skip: noPodman(),
}, async (t) => {
  const engine = await ready(t, await startPodman())
  assert.equal((await pair(engine))[0], true)
  await inLab(engineSuite(engine), async ({ runner }) => {
    const said: string[] = []
    for await (const { ok, what } of runner.probe?.() ?? []) if (!ok) said.push(what)
    assert.deepEqual(said, ['Podman does not keep containers from reaching each other'])
  })
})

/** Whether a container gets an answer at an address. */
async function reaches({ client }: Engine, started: Started, address: string): Promise<boolean> {
  const Cmd = ['sh', '-c', `echo "GET / HTTP/1.0\n" | nc -w 1 ${address} 8080 | grep -q .`]
  const exec = await client.getContainer(idOf(started)).exec({ Cmd, AttachStdout: true })
  const output = await exec.start({})
  await new Promise((done) => output.on('end', done).resume())
  return (await exec.inspect()).ExitCode === 0
}

function idOf({ state }: Started): string {
  return (state as { container: string }).container
}
