/** What docs/operate.md tells to write: proxy configurations, run as they stand but for names, ports and certificates, key and unit. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Front, type Ground, startFront } from '../support/front.ts'
import { startLabgate } from '../support/labgate.ts'
import { needs, programOf } from '../support/needs.ts'
import { freePort, tempFolder } from '../support/program.ts'
import { root } from '../support/sources.ts'

const page = readFileSync(join(root, 'docs', 'operate.md'), 'utf8')

function snippet(language: string): string {
  return new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? assert.fail(`no ${language} block`)
}

/** Replaces each; what is not there is a mistake of the test or the page. */
function replaced(text: string, pairs: readonly (readonly [string, string])[]): string {
  return pairs.reduce((done, [from, to]) => {
    assert.ok(done.includes(from), `docs/operate.md no longer has ${from}`)
    return done.replaceAll(from, to)
  }, text)
}

function filesOf({ certificate }: Ground) {
  return certificate ?? assert.fail('no certificate')
}

async function nginx(ground: Ground): Promise<readonly string[]> {
  const { certFile, keyFile } = filesOf(ground)
  const { folder, port } = ground
  const server = replaced(snippet('nginx'), [
    ['listen 443 ssl', `listen 127.0.0.1:${port} ssl`],
    ['server_name id.example.org', 'server_name localhost'],
    ['/etc/ssl/id.example.org.pem', certFile],
    ['/etc/ssl/private/id.example.org.key', keyFile],
    ['http://127.0.0.1:8080', ground.upstream],
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

async function caddy(ground: Ground): Promise<readonly string[]> {
  const { certFile, keyFile } = filesOf(ground)
  const site = replaced(snippet('caddyfile'), [
    ['id.example.org {', `https://localhost:${ground.port} {\n\tbind 127.0.0.1\n\ttls ${certFile} ${keyFile}`],
    ['127.0.0.1:8080', ground.upstream.replace('http://', '')],
  ])
  const file = join(ground.folder, 'Caddyfile')
  await writeFile(file, `{\n\tadmin off\n\tauto_https off\n}\n${site}`)
  return ['run', '--config', file, '--adapter', 'caddyfile']
}

const homes = ({ folder }: Ground) => ({ HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder })
const recipes = {
  nginx: () => ({ command: programOf('nginx'), prepare: nginx }),
  caddy: () => ({ command: programOf('caddy'), prepare: caddy, env: homes }),
}

interface Answer {
  readonly status: number
  readonly location: string
  readonly cookies: readonly string[]
  readonly text: string
}

function open({ port, ca }: Front, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(
      { host: '127.0.0.1', servername: 'localhost', port, path, ca, headers: { host: `localhost:${port}` } },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        const { location = '', 'set-cookie': cookies = [] } = answer.headers
        answer.once('end', () => resolve({ status: answer.statusCode ?? 0, location, cookies, text }))
      },
    ).once('error', reject)
  })
}

for (const name of ['nginx', 'caddy'] as const) {
  test(`Labgate behind ${name} as in docs/operate.md`, { skip: needs(name, 'openssl') }, async (t) => {
    const [frontPort, port] = [await freePort(), await freePort()]
    const issuer = `https://localhost:${frontPort}`
    const site = await startLabgate({ issuer, proxies: ['127.0.0.1'] }, { port })
    t.after(() => site.stop())
    const front = await startFront(recipes[name](), { upstream: `http://127.0.0.1:${port}`, port: frontPort })
    t.after(() => front.close())
    const discovery = JSON.parse((await open(front, '/.well-known/openid-configuration')).text)
    assert.equal(discovery.issuer, issuer)
    assert.equal(discovery.token_endpoint, `${issuer}/oidc/token`)
    const account = await open(front, '/account')
    assert.equal(account.status, 303)
    assert.ok(account.location.startsWith('/oidc/auth?'), account.location)
    const { cookies } = await open(front, account.location)
    assert.ok(cookies.length > 0)
    for (const cookie of cookies) assert.match(cookie, /^__(?:Host|Secure)-.*; secure/i)
  })
}

test('the sealing key is made for its owner alone, and one that is there is never overwritten', async (t) => {
  const folder = await tempFolder()
  t.after(() => folder.remove())
  const [, line = ''] = /labgate keys new \| sudo -u labgate (sh -c '.*')\n/.exec(page) ?? []
  const file = join(folder.path, 'sealing.key')
  const write = (key: string) =>
    spawnSync('sh', ['-c', replaced(line, [['/etc/labgate/sealing.key', file]])], { input: key }).status
  assert.equal(write('the first'), 0)
  assert.notEqual(write('the second'), 0)
  assert.equal(readFileSync(file, 'utf8'), 'the first')
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('the service and the command keep the compile cache in a folder that is theirs', () => {
  const cache = '/var/cache/labgate'
  assert.match(page, new RegExp(`install -d -o labgate -g labgate -m 0700 .*${cache} `))
  assert.match(/<<'END'.*?END\n/s.exec(page)?.[0] ?? '', new RegExp(`NODE_COMPILE_CACHE=${cache} `))
  const unit = snippet('ini')
  assert.match(unit, /^CacheDirectory=labgate$/m)
  assert.match(unit, new RegExp(`^Environment=NODE_COMPILE_CACHE=${cache}$`, 'm'))
})
