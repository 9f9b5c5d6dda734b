import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Capabilities } from '@labgate/contract'
import { eventWords, limitWords, lineOf, minuteOf, sizeText } from '../../../core/console/workspace-words.ts'
import { loadTexts } from '../../../core/pages/text.ts'
import { root } from '../../support/sources.ts'

const say = loadTexts([join(root, 'core/pages/texts')]).in('en')
const capabilities: Capabilities = {
  ...{ memory: 'enforced', cpu: 'advisory', storage: 'none', pids: 'enforced', gpu: 'none', network: 'none' },
  ...{ logs: true, stats: true, discover: true },
}

test('launchpad: an instant is told in one form, in UTC, and says so', () => {
  assert.equal(minuteOf('2030-01-02T03:04:05.678Z'), '2030-01-02 03:04 UTC')
  assert.equal(minuteOf(new Date('2030-01-02T03:04:05+08:00')), '2030-01-01 19:04 UTC')
})

test('a limit that only good will keeps is called advisory, one that nobody keeps is called none', () => {
  const limits = { memoryBytes: 4 * 1024 ** 3, cpus: 2, storageBytes: 1024 ** 3, pids: undefined, gpus: undefined }
  assert.deepEqual(limitWords(say, limits, capabilities), [
    'Memory: 4 GiB',
    'CPUs: 2 (advisory: this place cannot enforce it)',
    'Storage: not limited',
  ])
  const none = { memoryBytes: undefined, cpus: undefined, storageBytes: undefined, pids: 64, gpus: 1 }
  assert.deepEqual(limitWords(say, none, capabilities), [
    'Memory: not limited',
    'CPUs: not limited',
    'Processes: 64',
    'GPUs: not limited',
  ])
})

test('sizes are told in the unit that people use', () => {
  assert.deepEqual(
    [sizeText(512 * 1024 ** 2), sizeText(1024 ** 3), sizeText(1.5 * 1024 ** 3)],
    ['512 MiB', '1 GiB', '1.5 GiB'],
  )
})

test('what an app writes steers no terminal and turns no text around', () => {
  assert.equal(lineOf('\u001b[31mred\u001b[0m\u0007 \u202egnp.exe\ttab'), 'red gnp.exe\ttab')
  assert.equal(lineOf('x'.repeat(5000)).length, 4000)
})

test('every kind of event has its words', () => {
  assert.equal(eventWords(say, { kind: 'stopping', text: 'lease' }), 'Stopping. Its time was over.')
  assert.equal(eventWords(say, { kind: 'stopping', text: 'a reason of tomorrow' }), 'Stopping.')
  assert.equal(
    eventWords(say, { kind: 'extended', text: '2026-03-04T12:30:00.000Z' }),
    'It runs until 2026-03-04 12:30 UTC.',
  )
  assert.equal(eventWords(say, { kind: 'progress', text: 'Pulling {name}' }), 'Pulling {name}')
})
