/** What docs/workspaces.md tells deployers to write: checked by `labgate check`, run in real proxies, run by Python. @module */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import { parseConfig } from '../../core/config/load.ts'
import { problemText } from '../../core/config/problems.ts'
import { findProblems } from '../../core/judge.ts'
import { presets } from '../../core/workspaces/presets.ts'
import { type Ground, startFront } from '../support/front.ts'
import { freePort, startLabgate } from '../support/labgate.ts'
import { needs, programOf } from '../support/needs.ts'
import { load } from '../support/plugin-folder.ts'
import { tempFolder } from '../support/program.ts'
import { root } from '../support/sources.ts'
import { tlsFetch } from '../support/tls-fetch.ts'
import { UserAgent } from '../support/user-agent.ts'
import { enterWorkspace, frame } from '../support/workspace-entry.ts'
import { workspaceWorld } from '../support/workspaces.ts'

const page = readFileSync(join(root, 'docs', 'workspaces.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text)
const block = (language: string) => blocks(language)[0] ?? assert.fail(`no ${language} block`)

type Tree = Readonly<Record<string, unknown>>
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value)

function laidOver(base: Tree, over: Tree): Tree {
  const joined = Object.entries(over).map(([key, value]) => {
    const below = base[key]
    return [key, isTree(below) && isTree(value) ? laidOver(below, value) : value] as const
  })
  return { ...base, ...Object.fromEntries(joined) }
}

/** What `labgate check` would say. */
async function problemsOf(tree: Tree): Promise<readonly string[]> {
  const env = { LABGATE_SEALING_KEY: 'x'.repeat(32) }
  const loaded = { ...parseConfig(stringify(tree), { env, name: 'labgate.yaml' }), file: join(root, 'labgate.yaml') }
  const { plugins, issuer } = loaded.config
  const { errors, warnings } = findProblems(loaded, await load(root, plugins, { issuer, env }))
  return [...errors, ...warnings].map(problemText)
}

test('docs/workspaces.md: the file it begins with loads, and so does every snippet over it', async () => {
  const [base = {}, ...snippets] = blocks('yaml').map((text): Tree => parse(text))
  assert.deepEqual(await problemsOf(base), [])
  assert.ok(snippets.length >= 4)
  for (const snippet of snippets) assert.deepEqual(await problemsOf(laidOver(base, snippet)), [], stringify(snippet))
})

test('docs/workspaces.md names every preset', () => {
  for (const name of Object.keys(presets)) assert.match(page, new RegExp(`^\\| .*\`${name}\``, 'm'))
})

/** Replaces each; what is not there is a mistake of the test or the page. */
function replaced(text: string, pairs: readonly (readonly [string, string])[]): string {
  return pairs.reduce((done, [from, to]) => {
    assert.ok(done.includes(from), `docs/workspaces.md no longer has ${from}`)
    return done.replaceAll(from, to)
  }, text)
}

async function nginx({ folder, port, upstream, certificate }: Ground): Promise<readonly string[]> {
  const { certFile, keyFile } = certificate ?? assert.fail('no certificate')
  const server = replaced(block('nginx'), [
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['server_name *.work.example.org', 'server_name *.localhost localhost'],
    ['/etc/ssl/work.example.org.pem', certFile],
    ['/etc/ssl/private/work.example.org.key', keyFile],
    ['http://127.0.0.1:8080', upstream],
  ])
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path ${folder}/${one};`,
  )
  const file = join(folder, 'nginx.conf')
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const before = `daemon off; pid ${folder}/nginx.pid; ${user} events {}`
  await writeFile(file, `${before}\nhttp {\naccess_log off; ${temporary.join(' ')}\n${server}\n}\n`)
  return ['-p', folder, '-c', file, '-e', 'stderr']
}

async function caddy({ folder, port, upstream, certificate }: Ground): Promise<readonly string[]> {
  const { certFile, keyFile } = certificate ?? assert.fail('no certificate')
  const site = replaced(block('caddyfile'), [
    ['*.work.example.org {', `https://*.localhost:${port}, https://localhost:${port} {\n\tbind 127.0.0.1`],
    ['/etc/ssl/work.example.org.pem', certFile],
    ['/etc/ssl/private/work.example.org.key', keyFile],
    ['127.0.0.1:8080', upstream.replace('http://', '')],
  ])
  const file = join(folder, 'Caddyfile')
  await writeFile(file, `{\n\tadmin off\n\tauto_https off\n}\n${site}`)
  return ['run', '--config', file, '--adapter', 'caddyfile']
}

const homes = ({ folder }: Ground) => ({ HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder })
const recipes = {
  nginx: () => ({ command: programOf('nginx'), prepare: nginx }),
  caddy: () => ({ command: programOf('caddy'), prepare: caddy, env: homes }),
}

for (const name of ['nginx', 'caddy'] as const) {
  test(`a workspace behind ${name} as in docs/workspaces.md`, {
    skip: needs(name, 'openssl'),
    timeout: 60_000,
  }, async (t) => {
    const [port, inner] = [await freePort(), await freePort()]
    const world = await workspaceWorld(
      {
        ...{ issuer: `https://localhost:${port}`, proxies: ['127.0.0.1'] },
        workspaces: { origin: `https://*.localhost:${port}` },
      },
      { port: inner },
    )
    t.after(() => world.stop())
    const front = await startFront(recipes[name](), {
      upstream: `http://127.0.0.1:${inner}`,
      port,
      names: ['*.localhost'],
    })
    t.after(() => front.close())
    const network = tlsFetch({ ca: front.ca ?? assert.fail('no certificate') })
    t.after(() => network.close())
    const agent = new UserAgent({ fetch: network.fetch })
    const { ask, socket: open, host } = await enterWorkspace({ world, agent, fetch: network.fetch, port, ca: front.ca })
    const { headers } = JSON.parse((await ask('/echo')).body) as { headers: Record<string, string> }
    assert.equal(headers.host, host)
    assert.equal(headers['x-forwarded-proto'], 'https')
    assert.equal(headers.cookie, undefined)
    const socket = await open('/socket')
    socket.write(frame('hello'))
    const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(5000) })) as [Buffer]
    assert.equal(answer.subarray(2).toString(), 'hello')
    socket.destroy()
  })
}

test('the Python of docs/workspaces.md calls a dialect with the token of the file', {
  skip: needs('jupyter-notebook'),
}, async (t) => {
  const site = await startLabgate({
    plugins: { email: { use: '@labgate/auth-email' }, cave: { use: '@labgate/authz-cave' } },
  })
  t.after(() => site.stop())
  const folder = await tempFolder()
  t.after(() => folder.remove())
  const { get } = site.labgate.rooms
  const facts = [{ claim: 'email', value: 'carol@example.org', trust: 'verified' as const }]
  const account = await get('storage').transaction((em) =>
    get('accounts').createIn(em, { facts, role: 'user', state: 'active' }),
  )
  const expiresAt = new Date(Date.now() + 3_600_000)
  const { value } = await get('tokens').create(
    { kind: 'system', name: 'test' },
    { ...{ account, name: 'workspace', scopes: ['cave'] }, expiresAt },
  )
  const file = join(folder.path, 'labgate-token')
  await writeFile(file, value)
  const code = replaced(block('python'), [['https://id.example.org', site.issuer]])
  const { stdout } = await promisify(execFile)('/usr/bin/python3', ['-c', code], { env: { LABGATE_TOKEN_FILE: file } })
  assert.equal((JSON.parse(stdout) as { email: string }).email, 'carol@example.org')
})
