/** The examples of docs/admin-api.md, run as they stand against a running Labgate; and its table of operations. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { operations } from '../../core/api/operations.ts'
import { startLabgate } from '../support/labgate.ts'
import { needs, programOf } from '../support/needs.ts'
import { root } from '../support/sources.ts'

const run = promisify(execFile)
const page = await readFile(join(root, 'docs', 'admin-api.md'), 'utf8')
const examples = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, code]) => code ?? '')

test('every operation stands in the table, with its summary', () => {
  const table = page.slice(page.indexOf('## Operations'))
  const rows = [...table.matchAll(/^\| `(\w+) (\S+)` \| (.*) \|$/gm)].map(([, method, path, summary]) => ({
    method,
    path,
    summary,
  }))
  assert.deepEqual(
    rows,
    operations.map(({ method, path, summary }) => ({ method, path, summary })),
  )
})

test('the examples do what they say', { skip: needs('curl') }, async () => {
  const site = await startLabgate()
  const folder = await mkdtemp(join(tmpdir(), 'labgate-docs-'))
  try {
    const { get } = site.labgate.rooms
    const make = (username: string, role: 'user' | 'admin') =>
      get('storage').transaction((em) =>
        get('accounts').createIn(em, {
          facts: [{ claim: 'preferred_username', value: username, trust: 'asserted' }],
          state: 'active',
          role,
        }),
      )
    const [admin] = [await make('boss', 'admin'), await make('alice', 'user')]
    const { value } = await get('tokens').create(
      { kind: 'system', name: 'test' },
      { account: admin, name: 'docs', scopes: ['admin'] },
    )
    assert.ok(examples.length > 4)
    const script = ['set -eu', 'shopt -s expand_aliases', ...examples].join('\n')
    const path = `${dirname(programOf('curl'))}:${process.env.PATH}`
    const env = { PATH: path, HOME: folder, LABGATE: site.issuer, TOKEN: value }
    const { stdout } = await run('bash', ['-c', script], { cwd: folder, env })
    assert.match(stdout, /"username":"boss"/)
    assert.match(stdout, /"subject":"group:tracers"/)
    assert.match(stdout, /"allowed":false/)
    assert.match(stdout, /"type":"grant.added"/)
    assert.equal((await stat(join(folder, 'labgate.header'))).mode & 0o077, 0)
    assert.match(await readFile(join(folder, 'nightly.json'), 'utf8'), /"value":"lgs_/)
    assert.equal((await get('ledger').datasets.find('fish2'))?.frozen, undefined)
    assert.equal(
      (await get('access').decide({ account: await idOf('alice'), dataset: 'fish2', verb: 'view' })).allowed,
      true,
    )

    async function idOf(username: string) {
      return (await get('accounts').findByUsername(username))?.id
    }
  } finally {
    await site.stop()
    await rm(folder, { recursive: true, force: true })
  }
})

test('the error it shows is the error there is', async () => {
  const site = await startLabgate()
  try {
    const shown = /"code": "ERR_INPUT"/.test(page) && /```json\n(\{\n {2}"type"[\s\S]*?)```/.exec(page)?.[1]
    assert.ok(shown)
    const answer = await fetch(new URL('/api/admin/v1/me', site.issuer))
    const problem = (await answer.json()) as object
    assert.deepEqual(Object.keys(problem), Object.keys(JSON.parse(shown) as object))
  } finally {
    await site.stop()
  }
})
