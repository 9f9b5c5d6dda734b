/** Limits: kept where the host has scopes, said to be advisory where it has not; a host that claims without keeping is found out. @module */
import assert from 'node:assert/strict'
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, suite, test } from 'node:test'
import { runnerCases } from '@labgate/testkit'
import { needs } from '../../support/needs.ts'
import { tempFolder } from '../../support/program.ts'
import { noScopes, startScopes } from '../../support/scopes.ts'
import { startSshd } from '../../support/sshd.ts'
import { sshSuite } from './suite.ts'
import { all, ended, inWorld, processes, requestOf, shProfile, started, until } from './world.ts'

const skip = needs('sshd')
const soon = () => AbortSignal.timeout(20_000)
const none = requestOf().limits

suite('a host without scopes', { skip }, () => {
  test('says that its limits are advisory, and holds each process to its memory all the same', () =>
    inWorld({ listenTimeout: 0 }, async ({ runner }) => {
      await runner.start?.(soon())
      const { memory, cpu, pids, storage, gpu, network } = runner.capabilities()
      assert.deepEqual(
        [memory, cpu, pids, storage, gpu, network],
        ['advisory', 'advisory', 'none', 'none', 'none', 'none'],
      )
      const limits = { ...none, memoryBytes: 64 * 2 ** 20, cpus: 1, pids: 20 }
      const script = 'ulimit -d; nice; dd if=/dev/zero of=/dev/null bs=256M count=1 2>&1; sleep 600'
      const { state } = await started(runner, requestOf({ limits }), shProfile(script))
      const lines = () => all(runner.logs?.(state, { tail: 10, follow: false, signal: soon() }))
      await until(async () => (await lines()).some((line) => /memory exhausted/.test(line)), 'it is refused')
      assert.deepEqual((await lines()).slice(0, 2), ['65536', '5'])
      await ended(runner, state)
    }))

  test('one whose scopes limit nothing is found out', async () => {
    const { path, remove } = await tempFolder()
    const program = join(path, 'systemd-run')
    writeFileSync(
      program,
      '#!/bin/sh\nwhile [ "$1" != -- ] && [ "$1" != true ]; do shift; done\n[ "$1" = true ] || shift\nexec "$@"\n',
    )
    chmodSync(program, 0o755)
    chmodSync(path, 0o755)
    try {
      await inWorld(
        {},
        async ({ runner }) => {
          await runner.start?.(soon())
          const { memory, cpu, pids } = runner.capabilities()
          assert.deepEqual([memory, cpu, pids], ['advisory', 'advisory', 'none'])
        },
        { sshd: { programs: path }, names: ['one'] },
      )
    } finally {
      await remove()
    }
  })
})

if (!skip && !noScopes()) {
  const scopes = await startScopes()
  const sshd = await startSshd({ programs: scopes.programs })
  after(async () => {
    await sshd.close()
    await scopes.close()
  })
  const inScopes = (work: Parameters<typeof inWorld>[1]) =>
    inWorld({ listenTimeout: 0 }, work, { sshd: { programs: scopes.programs }, names: ['one'] })

  test('a host with scopes is found to keep limits by exceeding them', () =>
    inScopes(async ({ runner }) => {
      assert.equal(runner.capabilities().memory, 'advisory', 'nobody has asked yet')
      await runner.start?.(soon())
      const { memory, cpu, pids } = runner.capabilities()
      assert.deepEqual([memory, cpu, pids], ['enforced', 'enforced', 'enforced'])
    }))

  test('a process that left session and environment is ended by its scope', () =>
    inScopes(async ({ runner }) => {
      const script = 'setsid env -i sleep 733 & exec sleep 600'
      const { state } = await started(runner, requestOf(), shProfile(script))
      const left = () => processes().filter(({ argv }) => argv.join(' ') === 'sleep 733')
      await until(() => left().length === 1, 'it has left')
      await ended(runner, state)
      assert.deepEqual(left(), [])
    }))

  const whole = sshSuite(sshd)
  // What a start finds out, the cases ask without one.
  const create: typeof whole.plugin.create = (context) => {
    const runner = whole.plugin.create(context)
    const kept = { memory: 'enforced', cpu: 'enforced', pids: 'enforced' } as const
    return { ...runner, capabilities: () => ({ ...runner.capabilities(), ...kept }) }
  }
  const proofs = runnerCases({ ...whole, plugin: { ...whole.plugin, create } })
  for (const { name, run } of proofs.filter((one) => / said to be enforced$/.test(one.name))) test(name, run)
}
