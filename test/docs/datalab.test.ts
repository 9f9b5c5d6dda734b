/** Every config that docs/datalab.md, docs/gateway.md and the READMEs of the two plugins show is one that `labgate check` accepts. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isFault } from '@labgate/contract'
import ssh2 from 'ssh2'
import { parse, stringify } from 'yaml'
import { parseConfig } from '../../core/config/load.ts'
import { problemText } from '../../core/config/problems.ts'
import { findProblems } from '../../core/judge.ts'
import { folderWith, load } from '../support/plugin-folder.ts'
import { root } from '../support/sources.ts'

/** A site for what a page leaves out. */
const site = {
  issuer: 'https://id.lab.example',
  keys: [{ env: 'LABGATE_SEALING_KEY' }],
  mail: { from: { address: 'labgate@lab.example' }, outbox: 'data/outbox' },
}
const email = { use: '@labgate/auth-email' }
/** Any variable that a page refers to is set; none is there to be found by looking. */
const env = new Proxy<Record<string, string>>({}, { get: () => 'x'.repeat(32), ownKeys: () => [] })

interface Shown {
  readonly plugins: Readonly<Record<string, object>>
}

function configsOf(page: string): readonly Shown[] {
  const text = readFileSync(join(root, page), 'utf8')
  const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = '']) => parse(block) as Partial<Shown>)
  return blocks.filter((block): block is Shown => block.plugins !== undefined)
}

async function problemsOf(shown: Shown, secrets: string): Promise<readonly string[]> {
  const text = stringify({ ...site, ...shown, plugins: { email, ...shown.plugins } })
  try {
    const parsed = parseConfig(text.replaceAll('/run/secrets', secrets), { env, name: 'labgate.yaml' })
    const loaded = { ...parsed, file: join(root, 'labgate.yaml') }
    const { plugins, issuer } = loaded.config
    const { errors, warnings } = findProblems(loaded, await load(root, plugins, { issuer, env }))
    return [...errors, ...warnings].map(problemText)
  } catch (error) {
    if (isFault(error)) return [error.message]
    throw error
  }
}

const pages = {
  'docs/datalab.md': 3,
  'docs/gateway.md': 1,
  'plugins/authz-datalab/README.md': 1,
  'plugins/authz-gateway/README.md': 1,
} as const

for (const [page, count] of Object.entries(pages)) {
  test(`${page}: the configs it shows load`, async (t) => {
    const secrets = await folderWith(t, { xrd_key: ssh2.utils.generateKeyPairSync('ed25519').private })
    await chmod(join(secrets, 'xrd_key'), 0o600)
    const shown = configsOf(page)
    assert.equal(shown.length, count)
    for (const one of shown) assert.deepEqual(await problemsOf(one, secrets), [])
  })
}

test('a config with a setting that does not exist is found', async (t) => {
  const [shown = assert.fail('none')] = configsOf('docs/datalab.md')
  const wrong = { ...shown, plugins: { x: { use: '@labgate/authz-gateway', prefix: '/x', config: { rule: [] } } } }
  assert.match((await problemsOf(wrong, await folderWith(t))).join(), /config\.rule: unknown key/)
})
