/** The `/auth_info` of docs/cave.md, run as it stands but for ports and certificates. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Front, type Ground, startFront } from '../support/front.ts'
import { needs, programOf } from '../support/needs.ts'
import { root } from '../support/sources.ts'

const page = readFileSync(join(root, 'docs', 'cave.md'), 'utf8')

function snippet(language: string): string {
  return new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``).exec(page)?.[1] ?? assert.fail(`no ${language} block`)
}

async function nginx({ folder, port }: Ground): Promise<readonly string[]> {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path ${folder}/${one};`,
  )
  const file = join(folder, 'nginx.conf')
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const server = `server { listen 127.0.0.1:${port}; ${snippet('nginx')} location / { return 404; } }`
  const http = `http { access_log off; ${temporary.join(' ')}\n${server} }`
  await writeFile(file, `daemon off; pid ${folder}/nginx.pid; ${user} events {}\n${http}\n`)
  return ['-p', folder, '-c', file, '-e', 'stderr']
}

async function caddy({ folder, port }: Ground): Promise<readonly string[]> {
  const file = join(folder, 'Caddyfile')
  await writeFile(
    file,
    `{\n\tadmin off\n}\nhttp://localhost:${port} {\n\tbind 127.0.0.1\n${snippet('caddyfile')}\nrespond 404\n}\n`,
  )
  return ['run', '--config', file, '--adapter', 'caddyfile']
}

const homes = ({ folder }: Ground) => ({ HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder })
const options = { upstream: 'http://127.0.0.1:9', tls: false }

async function assertTells(front: Front): Promise<void> {
  try {
    const answer = await fetch(`${front.origin}/auth_info`, { headers: { origin: 'https://viewer.example' } })
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('content-type'), 'application/json')
    assert.equal(answer.headers.get('access-control-allow-origin'), '*')
    assert.deepEqual(await answer.json(), { login_url: 'https://id.lab.example/sticky_auth' })
    assert.equal((await fetch(`${front.origin}/auth_info/more`)).status, 404)
  } finally {
    await front.close()
  }
}

test('nginx tells viewers where to sign in, as docs/cave.md has it', { skip: needs('nginx') }, async () => {
  await assertTells(await startFront({ command: programOf('nginx'), prepare: nginx }, options))
})

test('Caddy tells viewers where to sign in, as docs/cave.md has it', { skip: needs('caddy') }, async () => {
  await assertTells(await startFront({ command: programOf('caddy'), prepare: caddy, env: homes }, options))
})
