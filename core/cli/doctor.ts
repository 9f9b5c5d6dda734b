/** `labgate doctor`: what is wrong around Labgate, and how to mend it. @module */
import { type Finding, isFault } from '@labgate/contract'
import { systemClock } from '../clock.ts'
import type { LoadedConfig } from '../config/load.ts'
import { createReach, lookAtIssuer, type Reach } from '../observe/reach.ts'
import { lifecycleOf } from '../registry/lifecycle.ts'
import type { Labgate } from '../server.ts'
import { type Args, type Command, configFile, configOption, type Io, jsonOption, print, printJson } from './command.ts'
import { paintFor } from './paint.ts'
import { quiet, quietLog } from './site.ts'
import { plain } from './table.ts'

/** Looks at everything that can go wrong around a configured Labgate. */
export const command: Command = {
  name: 'doctor',
  summary: 'Look at upstreams, mail, issuer, database and keys; say what is wrong and how to mend it.',
  usage: [
    'doctor [--config FILE] [--json]',
    'Asks every upstream, logs in at the mail server without sending, and opens the issuer as others see it, so Labgate',
    'should be running. Nothing that is there is changed. Exits with 1 when something is wrong.',
  ].join('\n'),
  options: { config: configOption, json: jsonOption },
  run,
}

/** A finding, and what it is about: `database`, `redis`, `keys`, `plugin.<id>`, `mail`, `issuer`. */
interface Diagnosis extends Finding {
  readonly about: string
}

const probeLimitMs = 30_000

async function run(args: Args, io: Io): Promise<number> {
  const { readConfig } = await import('../config/load.ts')
  const loaded = await readConfig(configFile(args, io), io)
  const isJson = args.values.json === true
  const findings: Diagnosis[] = []
  for await (const finding of examine(loaded, io)) {
    findings.push(finding)
    if (!isJson) printFinding(finding, io)
  }
  const wrong = findings.filter(({ ok }) => !ok).length
  if (isJson) printJson(io, { ok: wrong === 0, findings })
  else print(io, wrong === 0 ? '\nAll is well.' : `\nWrong: ${wrong} of ${findings.length}.`)
  return wrong === 0 ? 0 : 1
}

function printFinding({ about, ok, what, mend }: Diagnosis, io: Io): void {
  const paint = paintFor(io)
  print(io, `${ok ? paint('green', 'ok   ') : paint('red', 'wrong')}  ${about}: ${plain(what)}`)
  if (!ok && mend !== undefined) print(io, `       mend: ${plain(mend)}`)
}

async function* examine(loaded: LoadedConfig, io: Io): AsyncIterable<Diagnosis> {
  const reach = createReach(systemClock)
  const opened = await open(loaded, reach, io)
  try {
    if ('about' in opened) yield opened
    else yield* examineInside(opened, { loaded, reach })
    yield* about('mail', await mailFindings(loaded, io))
    yield* examineIssuer(loaded, { reach, io, signingKeys: await currentKeys(opened) })
  } finally {
    if (!('about' in opened)) await opened.stop()
  }
}

async function* about(name: string, findings: AsyncIterable<Finding> | Iterable<Finding>): AsyncIterable<Diagnosis> {
  for await (const finding of findings) yield { about: name, ...finding }
}

/** Where the mend is to be sought when there is no Labgate to look into. */
const places: Readonly<Record<string, string>> = { ERR_STORAGE: 'database', ERR_KEYS: 'keys', ERR_PLUGIN: 'plugins' }

/** The Labgate of the config, not listening; or why there is none. */
async function open(loaded: LoadedConfig, watch: Reach, io: Io): Promise<Labgate | Diagnosis> {
  const { createLabgate } = await import('../server.ts')
  try {
    return await createLabgate(loaded, { ...quiet(io), watch })
  } catch (error) {
    if (!isFault(error)) throw error
    const mend = error.message
    return { about: places[error.code] ?? 'config', ok: false, what: 'Labgate can be put together', mend }
  }
}

async function currentKeys(opened: Labgate | Diagnosis): Promise<readonly string[] | undefined> {
  if ('about' in opened) return undefined
  const keys = await opened.rooms.get('keys').list()
  return keys.filter(({ state }) => state === 'current').map(({ kid }) => kid)
}

interface Inside {
  readonly loaded: LoadedConfig
  readonly reach: Reach
}

async function* examineInside({ registry, rooms }: Labgate, { loaded, reach }: Inside): AsyncIterable<Diagnosis> {
  const { lookAtDatabase, lookAtKeys, probed } = await import('../observe/doctor.ts')
  const storage = rooms.get('storage')
  yield* about('database', lookAtDatabase(storage, loaded.config))
  if (storage.redis !== undefined) yield { about: 'redis', ...(await storage.redis.look()) }
  const { rotateAfter } = loaded.config.signing
  yield* about('keys', lookAtKeys({ keys: rooms.get('keys'), storage, clock: systemClock, rotateAfter }))
  for (const { id, failed } of registry.failed())
    yield { about: `plugin.${id}`, ok: false, what: 'the plugin is loaded', mend: failed }
  for (const instance of [...registry.auth(), ...registry.authz(), ...registry.runners()]) {
    yield* about(`plugin.${instance.id}`, probed(lifecycleOf(instance), probeLimitMs))
    yield* about(`plugin.${instance.id}`, reach.findings(instance.id))
  }
}

async function mailFindings({ config }: LoadedConfig, io: Io): Promise<AsyncIterable<Finding>> {
  const { createMail } = await import('../mail/mail.ts')
  const { lookAtMail } = await import('../observe/doctor.ts')
  const needs = { config: config.mail, clock: systemClock, log: quietLog(io), siteName: config.name }
  return lookAtMail({ config: config.mail, mail: () => createMail(needs) })
}

interface Outside {
  readonly reach: Reach
  readonly io: Io
  readonly signingKeys: readonly string[] | undefined
}

async function* examineIssuer({ config }: LoadedConfig, outside: Outside): AsyncIterable<Diagnosis> {
  const { createFetch } = await import('../http/egress.ts')
  const { reach, io, signingKeys } = outside
  const { issuer, egress } = config
  // Our own address may be a private one: it is the operator who named it.
  const allow = [...egress.allow, new URL(issuer).hostname.replace(/^\[|\]$/g, '')]
  const fetch = createFetch({ name: 'issuer', allow, log: quietLog(io), watch: reach })
  try {
    yield* about('issuer', lookAtIssuer({ issuer, fetch, signingKeys }))
    yield* about('issuer', reach.findings('issuer'))
  } finally {
    await fetch.close()
  }
}
