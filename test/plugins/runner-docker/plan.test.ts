import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppProfile, LaunchRequest, Mount } from '@labgate/contract'
import { configFrom } from '@labgate/testkit'
import { configSchema } from '../../../plugins/runner-docker/config.ts'
import { engineTrouble } from '../../../plugins/runner-docker/engine.ts'
import plugin from '../../../plugins/runner-docker/index.ts'
import { type DockerPlan, planOf } from '../../../plugins/runner-docker/plan.ts'
import { isTrouble } from './claims.ts'

const profile: AppProfile = {
  ...{ name: 'lab', title: 'Lab', image: 'lab/notebook:1', command: ['start', '{basePath}'], port: 8888 },
  ...{ environment: { B: '2', A: '{home}' }, user: { uid: 1000, gid: 100 } },
  mounts: [{ name: 'home', of: 'person', source: undefined, target: '/home/work', readOnly: false }],
}
const none = { memoryBytes: undefined, cpus: undefined, storageBytes: undefined, pids: undefined, gpus: undefined }
const request: LaunchRequest = {
  ...{ instance: 'abc', account: 'acc_1', storage: 'st1', basePath: '/w/abc/', limits: none, avoidHosts: [] },
}

function planned(
  changes: { request?: Partial<LaunchRequest>; profile?: Partial<AppProfile>; config?: object } = {},
): DockerPlan {
  const ground = { config: configFrom(configSchema, changes.config ?? {}), installation: '0123456789abcdef' }
  const { detail } = planOf({ ...request, ...changes.request }, { ...profile, ...changes.profile }, ground)
  // What `planOf` made, a few lines above.
  return detail as unknown as DockerPlan
}

function hostOf(plan: DockerPlan): Record<string, unknown> {
  return plan.create.HostConfig as Record<string, unknown>
}

test('launchpad 2.5: names everything by ids, which are nobody’s name', () => {
  const plan = planned()
  assert.equal(plan.name, 'labgate-01234567-abc')
  assert.deepEqual(plan.stores, [{ source: 'labgate-01234567-st1-home', target: '/home/work' }])
})

test('never asks for privileges, whatever the profile', () => {
  const host = hostOf(planned())
  assert.equal(host.Privileged, false)
  assert.deepEqual([host.CapDrop, host.CapAdd, host.SecurityOpt], [['ALL'], [], ['no-new-privileges']])
  for (const name of ['Devices', 'PidMode', 'IpcMode', 'UsernsMode', 'Binds', 'NetworkMode'])
    assert.equal(host[name], undefined, name)
})

test('the config lets no capability in that reaches out of a container', () => {
  const { enum: allowed } = configSchema.properties.capabilities.items
  for (const name of ['SYS_ADMIN', 'NET_ADMIN', 'SYS_PTRACE', 'SYS_MODULE', 'DAC_READ_SEARCH', 'MKNOD', 'ALL'])
    assert.ok(!(allowed as readonly string[]).includes(name), name)
})

test('launchpad 2.5: publishes one port, on loopback, that the engine chooses', () => {
  assert.deepEqual(hostOf(planned()).PortBindings, { '8888/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] })
  const inside = hostOf(planned({ config: { network: 'lab' } }))
  assert.deepEqual([inside.PortBindings, inside.NetworkMode], [undefined, 'lab'])
})

test('limits are the engine’s, and no swap beyond them', () => {
  const limits = { ...none, memoryBytes: 2 ** 30, cpus: 1.5, pids: 100, storageBytes: 5 }
  const host = hostOf(planned({ request: { limits } }))
  assert.deepEqual(
    [host.Memory, host.MemorySwap, host.NanoCpus, host.PidsLimit, host.StorageOpt],
    [2 ** 30, 2 ** 30, 1.5e9, 100, undefined],
  )
  assert.deepEqual(hostOf(planned({ request: { limits }, config: { limitStorage: true } })).StorageOpt, { size: '5' })
  assert.equal(hostOf(planned()).PidsLimit, 1024)
})

test('dockerspawner#451: processes are limited, whether the size says so or not', () => {
  assert.equal(hostOf(planned()).PidsLimit, 1024)
  assert.equal(hostOf(planned({ request: { limits: { ...none, pids: 64 } } })).PidsLimit, 64)
})

test('dockerspawner#392, launchpad 2.5: a size of storage is never said to be kept', () => {
  const { create } = plugin
  for (const [config, said] of [
    [{}, 'none'],
    [{ limitStorage: true }, 'advisory'],
  ] as const) {
    const context = { config: configFrom(configSchema, config), installation: '0123456789abcdef' }
    // What needs the rest of a context is not asked here.
    assert.equal(create(context as never).capabilities().storage, said)
  }
})

test('launchpad 2.5: no container goes by itself, so that its end can be told and its removal does not fail', () => {
  const host = hostOf(planned())
  assert.deepEqual([host.AutoRemove, host.RestartPolicy], [undefined, { Name: 'no' }])
})

test('GPUs are refused where there are none, and asked for where there are', () => {
  const limits = { ...none, gpus: 2 }
  assert.throws(() => planned({ request: { limits } }), isTrouble('policy'))
  assert.deepEqual(hostOf(planned({ request: { limits }, config: { gpus: true } })).DeviceRequests, [
    { Driver: '', Count: 2, Capabilities: [['gpu']] },
  ])
})

test('an app without an image is refused', () => {
  assert.throws(() => planned({ profile: { image: undefined } }), isTrouble('image_denied'))
})

test('folders of everybody are below the roots, or refused', () => {
  const shared = (source: string, target = '/data'): Mount => ({
    ...{ name: 'data', of: 'shared', source, target, readOnly: true },
  })
  const mounted = (mount: Mount, mountRoots: string[]) =>
    planned({ profile: { mounts: [mount] }, config: { mountRoots } })
  for (const [source, root] of [
    ['/lab/data', '/lab/data'],
    ['/lab/data', '/lab/'],
    ['/lab/data/', '/lab'],
  ] as const)
    assert.deepEqual(mounted(shared(source), [root]).shared, ['/lab/data'])
  for (const source of [
    '/labels',
    '/lab/../etc',
    '/lab//etc',
    '/lab/./x',
    '/lab:/etc',
    '/',
    '/lab\n/x',
    '/lab\0/x',
    'lab',
  ])
    assert.throws(() => mounted(shared(source), ['/lab']), isTrouble('policy'), source)
  for (const target of ['/', 'data', '/data/..', '/data:rw', '/data\n'])
    assert.throws(() => mounted(shared('/lab', target), ['/lab']), isTrouble('policy'), target)
  assert.throws(() => mounted(shared('/lab'), []), isTrouble('policy'))
})

test('a storage with a name that could lead elsewhere is refused', () => {
  for (const storage of ['..', 'a/b', '', 'A', 'a b'])
    for (const config of [{}, { storage: 'folder', storageRoot: '/people' }])
      assert.throws(() => planned({ request: { storage }, config }), isTrouble('policy'), storage)
  assert.throws(() => planned({ config: { storage: 'folder' } }), isTrouble('policy'))
  const { stores } = planned({ config: { storage: 'folder', storageRoot: '/people' } })
  assert.equal(stores[0]?.source, '/people/st1/home')
})

test('what an engine says is told in words for people, and its own stay inside', () => {
  const said = (statusCode: number, message: string) =>
    Object.assign(new Error(message), { statusCode, json: { message } })
  const cases = [
    [said(500, 'driver failed: Bind for 127.0.0.1:32768 failed: port is already allocated'), 'port'],
    [said(500, 'listen tcp4 127.0.0.1:1: bind: address already in use'), 'port'],
    [said(404, 'No such image: lab/none:1'), 'pull_failed'],
    [said(400, 'OCI runtime create failed: exec: "start": not found'), 'crash'],
    [Object.assign(new Error('connect ENOENT /run/x.sock'), { code: 'ENOENT' }), 'unreachable'],
  ] as const
  for (const [error, trouble] of cases) {
    const found = engineTrouble(error)
    isTrouble(trouble)(found)
    assert.doesNotMatch((found as Error).message, /127\.0\.0\.1|sock|OCI/)
  }
  const other = new Error('a mistake of ours')
  assert.equal(engineTrouble(other), other)
})
