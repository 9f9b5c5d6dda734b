/** Remote file systems: those that are mounted come along, those behind SSH wait until their host key is pinned. @module */
import { isPlainObject } from '../../config/units.ts'
import { type Gap, type Tree, treeOf, type Work } from './mapped.ts'
import type { Found } from './settings.ts'

/** The part `remotes` of the entry of datalab. */
export interface Remotes {
  readonly tree: Tree | undefined
  readonly gaps: readonly Gap[]
}

/** Reads them. `cacheFolder`: absolute. */
export function remotesOf(work: Work, cacheFolder: string): Remotes {
  const { note, isSet } = work
  const ages = agesOf(work)
  const list = work.list(work.find('REMOTE_FILESYSTEMS'))
  if (!isSet('REMOTE_FILESYSTEMS') || list?.length === 0) note('notSet', 'REMOTE_FILESYSTEMS', 'no remote file systems')
  const [fileSystems, gaps]: [Tree[], Gap[]] = [[], []]
  const names = new Set<string>()
  for (const [index, found] of (list ?? []).entries()) {
    const made = remoteOf(work, found, names)
    if (made === undefined) continue
    const about = `REMOTE_FILESYSTEMS[${index}]` as const
    if ('gap' in made) {
      gaps.push(made.gap)
      note('decide', about, made.gap.why.join('\n'))
    } else {
      fileSystems.push(made.tree)
      note('taken', about, 'plugins.datalab.config.remotes.fileSystems; everybody who may sign in sees it (visibleTo)')
    }
  }
  if (fileSystems.length + gaps.length > 0)
    note('taken', 'REMOTE_FILESYSTEMS', 'plugins.datalab.config.remotes.fileSystems; each is a row of its own')
  if (fileSystems.length > 0) return { tree: { cacheFolder, ...ages, fileSystems }, gaps }
  if (gaps.length === 0) return { tree: undefined, gaps }
  // Nothing is left of the section, so all of it waits.
  const tree = { remotes: { cacheFolder, ...ages, fileSystems: gaps.flatMap(({ tree }) => tree) } }
  return { tree: undefined, gaps: [{ why: gaps.flatMap(({ why }) => why), tree }] }
}

const minutes = { least: 0, most: 1_000_000 }

function agesOf(work: Work): Tree {
  const { find, note, whole, wrong } = work
  const [most, least] = [find('REMOTE_CACHE_MAX_AGE'), find('REMOTE_CACHE_MIN_AGE')]
  const [max, min] = [whole(most, minutes), whole(least, minutes)]
  const at = least ?? most
  if (at && (min ?? 1) > (max ?? 60))
    wrong(
      at,
      `the least age (${min ?? 1} minutes) is more than the most (${max ?? 60} minutes${most?.place?.line === undefined ? '' : `, ${most.place.file}:${most.place.line}`}); datalab does not start with that either`,
    )
  note(
    max === undefined ? 'notSet' : 'taken',
    'REMOTE_CACHE_MAX_AGE',
    max === undefined ? '60 minutes, as there' : 'plugins.datalab.config.remotes.maxAge',
  )
  note(
    min === undefined ? 'notSet' : 'taken',
    'REMOTE_CACHE_MIN_AGE',
    min === undefined ? '1 minute, as there' : 'plugins.datalab.config.remotes.minAge',
  )
  return treeOf({
    maxAge: max === undefined ? undefined : `${max}m`,
    minAge: min === undefined ? undefined : `${min}m`,
  })
}

/** One that comes along, or one that waits. */
type Remote = { readonly tree: Tree } | { readonly gap: Gap }

const visibleTo = { everyone: true }
const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9])?$/

function remoteOf(work: Work, found: Found, names: Set<string>): Remote | undefined {
  if (!isPlainObject(found.value)) return work.wrong(found, 'must have name, hostname and path')
  const [name, path] = [work.text(found.within('name')), work.text(found.within('path'))]
  const hostname = work.text(found.within('hostname'))
  for (const [key, value] of [
    ['name', name],
    ['path', path],
  ] as const)
    if (value === undefined) work.wrong(found.within(key), 'is missing')
  if (name === undefined || path === undefined) return undefined
  const tree = { name, path, visibleTo }
  const strangers = Object.keys(found.value).filter((key) => !['name', 'hostname', 'path'].includes(key))
  if (strangers.length > 0) return gap(`Left out: datalab has no such setting here: ${strangers.join(', ')}.`, tree)
  const isTwice = names.has(name)
  names.add(name)
  if (!namePattern.test(name))
    return gap('Left out: give it a name of up to 64 letters, digits, blanks, dots, dashes and underscores.', tree)
  if (isTwice) return gap('Left out: another one has this name already.', tree)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a folder may have any character but this one
  if (!/^\/[^\u0000]*$/.test(path)) return gap('Left out: its path must begin with /.', tree)
  return hostname === undefined ? { tree } : behindSsh(hostname, tree)
}

const gap = (why: string, tree: Tree): Remote => ({ gap: { why: [why], tree: [tree] } })

/** `host`, `user@host`, with or without `ssh://` before it and a port behind. */
function behindSsh(hostname: string, { name, path }: { readonly name: string; readonly path: string }): Remote {
  const [, user = 'YOUR-USER', host, port] =
    /^(?:ssh:\/\/)?(?:([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})@)?([A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?)(?::([1-9][0-9]{0,4}))?\/?$/.exec(
      hostname,
    ) ?? []
  const ssh = (at: string, behind: Tree) => ({
    host: at,
    ...behind,
    user,
    hostKeys: ['SHA256:…'],
    key: { file: '/run/secrets/remote_key' },
  })
  const complete = `Host keys are pinned here: complete hostKeys, user and key. An alias of ~/.ssh/config is written out, a ProxyJump is \`jump\`.`
  if (host === undefined)
    return gap('Left out: its hostname is no host name, with a user before @ and a port behind a colon at most.', {
      name,
      path,
      visibleTo,
      ssh: ssh('YOUR-HOST', {}),
    })
  const scan = `ssh-keyscan ${port === undefined ? '' : `-p ${port} `}${host} | ssh-keygen -lf -`
  const why = [
    `Left out until its host key is pinned. What the network says: ${scan}`,
    'Compare it with the host itself: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
    complete,
  ]
  const tree = [{ name, path, visibleTo, ssh: ssh(host, port === undefined ? {} : { port: Number(port) }) }]
  return { gap: { why, tree } }
}
