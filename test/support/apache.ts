/** A real Apache with mod_auth_openidc before a page of its own: a relying party of Labgate. @module */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Front, type Ground, startFront } from './front.ts'
import { programOf } from './needs.ts'

/** Starts it; ask `needs('apache', 'mod-auth-openidc')` first. `directives` may name `@folder@`. */
export function startApache({ directives, port }: { directives: string; port: number }): Promise<Front> {
  const prepare = (ground: Ground) => write(ground, directives)
  return startFront({ command: programOf('apache'), prepare }, { upstream: 'http://127.0.0.1:9', tls: false, port })
}

const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'headers', 'auth_openidc']

async function write({ folder, port }: Ground, directives: string): Promise<readonly string[]> {
  const home = programOf('mod-auth-openidc').replace(/[^/]+$/, '')
  await mkdir(join(folder, 'www'))
  await writeFile(join(folder, 'www', 'index.html'), '<!doctype html><title>The wiki</title>')
  await writeFile(join(folder, 'passphrase'), 'seals the cookies of this test')
  // Its workers are another user, who must get at the page.
  await chmod(folder, 0o755)
  const file = join(folder, 'apache.conf')
  await writeFile(
    file,
    `ServerRoot ${folder}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
KeepAlive Off
StartServers 1
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
Mutex file:${folder} default
ErrorLog ${folder}/error.log
${modules.map((name) => `LoadModule ${name}_module ${home}mod_${name}.so`).join('\n')}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
DocumentRoot ${folder}/www
Header set X-Remote-User "expr=%{REMOTE_USER}"
Header set X-Groups "expr=%{req:OIDC_CLAIM_groups}"
${directives.replaceAll('@folder@', folder)}
`,
  )
  return ['-D', 'FOREGROUND', '-f', file]
}
