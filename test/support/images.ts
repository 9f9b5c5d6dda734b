/** Images without a registry, made of what is installed on this machine. @module */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import { pack } from 'tar-stream'
import { programOf } from './needs.ts'

const run = promisify(execFile)
const commands =
  'sh httpd wget cat echo sleep ls env id mkdir rm nc ps kill touch stat df head date grep dd tail yes ln cp mv tr true false find seq'

/** Puts `labgate-test/busybox:1` into an engine: two megabytes, a shell, a small web server, user `app` (1000). */
export async function loadBusybox(client: Docker, name = 'labgate-test/busybox:1'): Promise<string> {
  const root = pack()
  const folder = (path: string, mode = 0o755) => root.entry({ name: path, mode, type: 'directory' })
  for (const path of ['bin', 'etc', 'run', 'var', 'home']) folder(path)
  folder('tmp', 0o1777)
  root.entry({ name: 'bin/busybox', mode: 0o755 }, readFileSync(programOf('busybox')))
  for (const one of commands.split(' ')) root.entry({ name: `bin/${one}`, type: 'symlink', linkname: 'busybox' })
  root.entry({ name: 'etc/passwd' }, 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home:/bin/sh\n')
  root.entry({ name: 'etc/group' }, 'root:x:0:\napp:x:1000:\n')
  root.finalize()
  // The stream of tar-stream is another library's; engines take Node's.
  await load(client, { name, root: Readable.from(root as AsyncIterable<Buffer>), changes: ['CMD ["/bin/sh"]'] })
  return name
}

/** An image of Debian packages that are installed here. */
export interface PackagesImage {
  /** With a tag. */
  readonly name: string
  /** Their dependencies come along. */
  readonly packages: readonly string[]
  /** Lines of a Dockerfile (`ENV`, `CMD` …) besides PATH, `WORKDIR /home/jovyan` and `USER 1000:1000`. */
  readonly changes?: readonly string[]
}

/**
 * Puts an image of packages into an engine. The archive is made once for the versions that are installed, and kept below
 * the system's temporary folder.
 */
export async function loadPackages(client: Docker, image: PackagesImage): Promise<string> {
  const file = await archiveOfPackages(image.packages)
  const always = ['ENV PATH=/usr/local/bin:/usr/bin:/bin', 'WORKDIR /home/jovyan', 'USER 1000:1000']
  const changes = [...always, ...(image.changes ?? [])]
  await load(client, { name: image.name, root: createReadStream(file), changes })
  return image.name
}

interface Import {
  readonly name: string
  readonly root: NodeJS.ReadableStream
  readonly changes: readonly string[]
}

async function load(client: Docker, { name, root, changes }: Import): Promise<void> {
  const [repo = '', tag = 'latest'] = name.split(':')
  // `changes` may come several times, which the client's types do not say.
  const stream = await client.importImage(root, { repo, tag, changes: [...changes] } as { repo: string; tag: string })
  let said = ''
  for await (const part of stream as unknown as AsyncIterable<Buffer>) said += part
  const id = /sha256:[0-9a-f]{64}/.exec(said)?.[0]
  if (id === undefined) throw new Error(`${name} was not imported: ${said}`)
  // Podman gives an imported image no name.
  await client.getImage(id).tag({ repo, tag })
}

const base = ['base-files', 'libc-bin', 'bash', 'coreutils', 'dash', 'grep', 'sed']
const depends =
  '--recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances'

async function archiveOfPackages(packages: readonly string[]): Promise<string> {
  const big = { maxBuffer: 256 * 1024 * 1024 }
  const { stdout: names } = await run('apt-cache', ['depends', ...depends.split(' '), ...base, ...packages], big)
  const closure = [...new Set(names.split('\n').filter((line) => /^[a-z0-9]/.test(line)))].toSorted()
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own format, not ours
  const format = ['-W', '-f', '${db:Status-Abbrev}|${binary:Package}|${Version}\\n']
  // It fails for the names that are not installed, and says the others.
  const said = await run('dpkg-query', [...format, ...closure], big).catch((error: { stdout: string }) => error)
  const lines = said.stdout.split('\n').filter((line) => line.startsWith('ii'))
  const there = lines.map((line) => line.split('|')[1] ?? '')
  const lacking = packages.filter((one) => !there.some((name) => name.split(':')[0] === one))
  if (lacking.length > 0) throw new Error(`not installed: ${lacking.join(', ')}`)
  const folder = join(tmpdir(), 'labgate-images')
  const hash = createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16)
  const file = join(folder, `${hash}.tar`)
  if (existsSync(file)) return file
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const work = await mkdtemp(join(folder, 'making-'))
  try {
    await makeArchive(work, there)
    await rename(join(work, 'root.tar'), file)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return file
}

/** The packages' files, with the few that make a system of them. */
async function makeArchive(work: string, packages: readonly string[]): Promise<void> {
  await writeFile(join(work, 'packages'), packages.join('\n'))
  const script = `set -eu
cd "$1"; mkdir root
( printf '%s\\n' /bin /lib /lib64 /sbin /etc/ld.so.cache; find /etc/alternatives /etc/ssl/certs /etc/ld.so.conf.d -maxdepth 1 2>/dev/null || true
  xargs dpkg -L < packages | grep -v -E '^/\\.$|^/usr/share/(doc|man|locale|lintian)/|^/(dev|proc|sys|run|tmp|root|home)/|diverted by|package diverts' ) |
  sed -E 's#^/(bin|sbin|lib|lib64)/#/usr/\\1/#; s#^/##' | sort -u > files
tar -C / --no-recursion --ignore-failed-read -c -T files 2>/dev/null | tar -C root -x
mkdir -p root/tmp root/run root/root root/home/jovyan root/proc root/sys root/dev
chmod 1777 root/tmp; chown 1000:1000 root/home/jovyan
printf 'root:x:0:0:root:/root:/bin/sh\\njovyan:x:1000:1000:user:/home/jovyan:/bin/bash\\nnobody:x:65534:65534:nobody:/:/bin/false\\n' > root/etc/passwd
printf 'root:x:0:\\njovyan:x:1000:\\nnogroup:x:65534:\\n' > root/etc/group
printf 'passwd: files\\ngroup: files\\nhosts: files dns\\n' > root/etc/nsswitch.conf
rm -f root/etc/shadow root/etc/gshadow
tar -C root -cf root.tar .`
  await run('sh', ['-c', script, 'sh', work], { maxBuffer: 64 * 1024 * 1024 })
}
