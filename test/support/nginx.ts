/** A real nginx before Labgate, set up as `docs/operate.md` says. @module */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Front, type FrontOptions, type Ground, startFront } from './front.ts'
import { programOf } from './needs.ts'

/** Starts nginx on 127.0.0.1; ask `needs('nginx', 'openssl')` first. */
export function startNginx(options: FrontOptions): Promise<Front> {
  return startFront({ command: programOf('nginx'), prepare }, options)
}

async function prepare(ground: Ground): Promise<readonly string[]> {
  const file = join(ground.folder, 'nginx.conf')
  await writeFile(file, configuration(ground))
  return ['-p', ground.folder, '-c', file, '-e', 'stderr']
}

function configuration({ folder, port, upstream, names, certificate }: Ground): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const target = upstream.startsWith('unix:') ? `http://${upstream}:` : upstream
  return `
daemon off;
pid ${folder}/nginx.pid;
worker_processes 1;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 128; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${port}${certificate ? ' ssl' : ''};
    server_name localhost ${names.join(' ')};
    ${certificate ? `ssl_certificate ${certificate.certFile};\n    ssl_certificate_key ${certificate.keyFile};` : ''}
    location / {
      proxy_pass ${target};
      proxy_http_version 1.1;
      proxy_buffer_size 16k;
      proxy_buffers 8 16k;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
    }
  }
}
`
}
