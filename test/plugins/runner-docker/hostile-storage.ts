/** A storage whose owner means no good, and its archive. @module */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { RunnerLab } from '@labgate/testkit'
import { requestOf } from '@labgate/testkit'
import { extract } from 'tar-stream'

/** Links out of it, many files, one that grows while it is read, and a pipe that nobody writes to. */
const script = [
  'ln -s /etc/passwd $STORE/passwd; ln -s / $STORE/all; ln -s ../../.. $STORE/up; ln -s /run/labgate/token $STORE/token',
  'mkdir $STORE/many; for n in $(seq 1 500); do echo $n > $STORE/many/$n; done',
  '(while true; do echo 0123456789012345678901234567890123456789 >> $STORE/growing; done) &',
  'echo ready > $PAGE',
].join('\n')

/** Claims of its archive: links stay links, nothing lies outside, and it is whole or says that it is not. */
export async function archivesSafely({ start, runner, suite }: RunnerLab): Promise<void> {
  const { storage } = requestOf()
  const { pageLike } = await start({ script, request: { storage }, launch: { secrets: { token: 'nobody-sees-this' } } })
  await pageLike(/ready/)
  const entries = new Map<string, { type: string | null | undefined; size: number }>()
  let text = ''
  const reader = extract()
  reader.on('entry', ({ name, type, size = 0 }, content, next) => {
    entries.set(name.replace(/^\.?\//, ''), { type, size })
    content.on('data', (part) => {
      if (size < 10_000) text += String(part)
    })
    content.on('end', next)
  })
  const parts = runner.archive?.({ storage, mounts: suite.app('').mounts }) ?? assert.fail('there is no archive')
  // An engine may break off what grows; it must not hang, and what came must be whole entries.
  let broke: unknown
  try {
    // The library's streams are of another make than Node's.
    await pipeline(Readable.from(parts), reader as unknown as NodeJS.WritableStream)
  } catch (error) {
    broke = error
  }
  for (const name of entries.keys()) assert.ok(!name.startsWith('/') && !name.split('/').includes('..'), name)
  assert.doesNotMatch(text, /root:x:0|nobody-sees-this/)
  // Podman ends an archive at a file that grew while it was read, as if it were whole; whoever writes there may just have rested.
  if (broke !== undefined) return assert.match(String(broke), /broke off/)
  for (const name of ['passwd', 'all', 'up', 'token']) assert.equal(entries.get(name)?.type, 'symlink', name)
  assert.equal([...entries.keys()].filter((name) => /^many\/\d+$/.test(name)).length, 500)
}
