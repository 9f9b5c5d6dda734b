/** A real Caddy before Labgate, set up as `docs/operate.md` says. @module */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Front, type FrontOptions, type Ground, startFront } from './front.ts'
import { programOf } from './needs.ts'

/** Starts Caddy on 127.0.0.1; ask `needs('caddy', 'openssl')` first. */
export function startCaddy(options: FrontOptions): Promise<Front> {
  return startFront({ command: programOf('caddy'), prepare, env: ownFolders }, options)
}

// Caddy keeps state under the home folder unless told otherwise.
function ownFolders({ folder }: Ground): Readonly<Record<string, string>> {
  return { HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
}

async function prepare(ground: Ground): Promise<readonly string[]> {
  const file = join(ground.folder, 'Caddyfile')
  await writeFile(file, configuration(ground))
  return ['run', '--config', file, '--adapter', 'caddyfile']
}

function configuration({ port, upstream, names, certificate }: Ground): string {
  const scheme = certificate ? 'https' : 'http'
  const sites = ['localhost', '127.0.0.1', ...names].map((name) => `${scheme}://${name}:${port}`)
  return `
{
  admin off
  auto_https off
  servers {
    protocols h1 h2
  }
}
${sites.join(', ')} {
  bind 127.0.0.1
  ${certificate ? `tls ${certificate.certFile} ${certificate.keyFile}` : ''}
  reverse_proxy ${upstream.startsWith('unix:') ? upstream.replace('unix:', 'unix/') : upstream.replace('http://', '')}
}
`
}
