/** The dialects' rows: services and viewers at Labgate against Koa's hello; and how soon a change counts everywhere. @module */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGrants } from '../../core/access/grants.ts'
import { createChange } from '../../core/accounts/changes.ts'
import { openStorage } from '../../core/storage/storage.ts'
import { documents, gcsToken, hello, ngauthToken, signInAtNgauth, userCache } from './dialect-scenarios.ts'
import { type DialectSite, makeDialectSite } from './dialect-site.ts'
import { byTurns, type Pairing } from './drive.ts'
import type { DialectRowName } from './floors.ts'
import { median } from './measure.ts'
import { type Changes, type DialectRows, type Row, rowOf } from './report.ts'
import type { Scenario } from './scenarios.ts'
import { freePort, type Server, startKoa } from './servers.ts'

/** What is remembered for that many accounts; a walk over twice as many meets nobody twice. */
const coldTokens = 25_000

/** Measures all rows; `people` hold ten grants each in the large ledger. */
export async function dialectRows(
  { names, people, pairing }: { names: readonly DialectRowName[]; people: number; pairing: Pairing },
  heard: (row: Row<DialectRowName>) => void,
): Promise<DialectRows> {
  const small = await makeDialectSite({ people: 1, tokens: 2000 })
  const large = await makeDialectSite({ people: Math.max(people, coldTokens), tokens: coldTokens })
  const koa = await startKoa()
  const rows: Row<DialectRowName>[] = []
  try {
    const compare = async (
      name: DialectRowName,
      site: DialectSite,
      scenarioFor: (server: Server) => Promise<Scenario>,
    ) => {
      if (!names.includes(name)) return
      const server = await site.start()
      try {
        const scenario = await scenarioFor(server)
        const rounds = await byTurns([server, koa], (one) => (one.name === 'koa' ? hello : scenario), pairing)
        rows.push(rowOf(name, { ours: rounds.get('labgate') ?? [], raw: rounds.get('koa') ?? [] }))
        heard(rows.at(-1) as Row<DialectRowName>)
      } finally {
        await server.stop()
      }
    }
    await compare('user-cache-small', small, async () => userCache(small, 'warm'))
    await compare('user-cache', large, async () => userCache(large, 'warm'))
    await compare('user-cache-cold', large, async () => userCache(large, 'cold'))
    await compare('ngauth-token', large, async (server) => ngauthToken(server, await signInAtNgauth(server)))
    await compare('documents', small, async () => documents)
    await compare('gcs-token', large, async (server) => gcsToken(server, await signInAtNgauth(server)))
    return { rows, cloudCalls: callsOf(large), changes: await changesIn(large) }
  } finally {
    await koa.stop()
    await small.remove()
    await large.remove()
  }
}

function callsOf({ cloud }: DialectSite): number {
  return Object.values(cloud.calls).reduce((sum, count) => sum + count, 0)
}

const members = 10_000
const times = 5

/** Two Labgates on one database, and a third process (this one) that changes it. */
export async function changesIn(site: DialectSite): Promise<Changes> {
  site.write(`insert or ignore into account_group (slug, title) values ('imaging', 'Imaging');
    insert or ignore into membership (account_id, group_slug, source, at)
      select id, 'imaging', 'admin', 0 from account where id like 'p%' limit ${members};
    insert or ignore into dataset (slug, title, created_at, updated_at) values ('fish', 'Fish', 0, 0)`)
  const one = await site.start()
  const other = await site.start({ port: await freePort() }).catch(async (error) => {
    await one.stop()
    throw error
  })
  const hostOf = new URL(one.origin).host
  const ask = (server: Server, token: string, more: { method?: string; path?: string } = {}) =>
    answerOf({ port: Number(new URL(server.origin).port), host: hostOf, token, ...more })
  const clock = { now: () => new Date() }
  const keys = [readFileSync(join(site.folder, 'sealing.key'), 'utf8').trim()]
  const storage = await openStorage({ file: join(site.folder, 'labgate.db'), clock, keys, log: quietLog })
  try {
    const change = createChange({ storage, log: quietLog, authorise: async () => undefined })
    const grants = createGrants({ storage, clock, change })
    const actor = { kind: 'system', name: 'bench' } as const
    const subject = { kind: 'group', group: 'imaging' } as const
    const [member = '', ...others] = site.tokens
    const took: number[] = []
    const seen: number[] = []
    const shows = (server: Server, expected: boolean) =>
      until(async () => (await ask(server, member)).text.includes('"fish":["view"]') === expected)
    for (let time = 0; time < times; time++) {
      for (const server of [one, other]) await shows(server, false)
      const began = performance.now()
      const { id } = await grants.add(actor, { subject, dataset: 'fish', level: 'view' })
      took.push(performance.now() - began)
      seen.push(Math.max(await shows(one, true), await shows(other, true)))
      await grants.end(actor, id)
    }
    const revoked: number[] = []
    for (let time = 0; time < times; time++) {
      const token = others[time] ?? ''
      if ((await ask(other, token)).status !== 200) throw new Error('the token is none')
      const end = await ask(one, token, { method: 'DELETE', path: `/auth/api/v1/user/token/t${time + 1}` })
      if (end.status !== 200) throw new Error(`not revoked: ${end.status} ${end.text}`)
      revoked.push(await until(async () => (await ask(other, token)).status === 401))
    }
    return { grantMs: median(took), grantSeenMs: Math.max(...seen), revokeSeenMs: Math.max(...revoked) }
  } finally {
    await storage.close()
    await other.stop()
    await one.stop()
  }
}

const ignore = () => undefined
const quietLog = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/** Milliseconds until it holds. @throws Error after ten seconds */
async function until(holds: () => Promise<boolean>): Promise<number> {
  const began = performance.now()
  while (!(await holds())) {
    if (performance.now() - began > 10_000) throw new Error('a change is not seen after ten seconds')
    await sleep(1)
  }
  return performance.now() - began
}

interface Asked {
  readonly port: number
  /** By which the site knows itself. */
  readonly host: string
  readonly token: string
  readonly method?: string
  readonly path?: string
}

function answerOf({ port, host, token, method = 'GET', path = '/auth/api/v1/user/cache' }: Asked) {
  return new Promise<{ status: number; text: string }>((done, fail) => {
    const headers = { host, authorization: `Bearer ${token}` }
    const sent = request({ host: '127.0.0.1', port, path, method, headers, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      answer.once('end', () => done({ status: answer.statusCode ?? 0, text }))
    })
    sent.once('error', fail).end()
  })
}
