/**
 * A Labgate with the dialects of connectomics, a small cloud and a ledger of any size: every account holds ten grants, and
 * the first of them have an API token each.
 * @module
 */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { newTokenValue, tokenDigest } from '../../core/accounts/token-value.ts'
import { cloudAccounts, type GoogleCloud, startGoogleCloud } from '../support/google-cloud.ts'
import { holds } from './access.ts'
import { makeSite, type Site } from './servers.ts'

/** Where the viewer is that asks ngauth. */
export const viewer = 'https://viewer.example'
export const bucket = 'bench-bucket'

/** A place for such a Labgate. */
export interface DialectSite extends Site {
  readonly grants: number
  readonly cloud: GoogleCloud
  /** API tokens, one an account. */
  readonly tokens: readonly string[]
  /** Writes to the database as another process would: committed at once. */
  write(sql: string): void
}

/** Makes it, with `people` who hold ten grants each; `tokens` of them have a token. */
export async function makeDialectSite({ people, tokens }: { people: number; tokens: number }): Promise<DialectSite> {
  const cloud = await startGoogleCloud()
  cloud.buckets[bucket] = { info: '{}' }
  cloud.readers[bucket] = [cloudAccounts.machine]
  const site = await makeSite(({ port }) => partOf(port, cloud.url))
  const remove = async () => {
    await cloud.stop()
    await site.remove()
  }
  try {
    // It makes the tables.
    await (await site.start()).stop()
  } catch (error) {
    // Left open, the cloud would keep the process for ever.
    await remove()
    throw error
  }
  const file = join(site.folder, 'labgate.db')
  const values = fill(file, { people, tokens })
  return {
    ...site,
    ...{ cloud, tokens: values, grants: people * holds },
    write(sql) {
      const database = new Database(file)
      database.exec(sql)
      database.close()
    },
    remove,
  }
}

function partOf(port: number, cloud: string) {
  return {
    egress: { allow: ['127.0.0.0/8'] },
    plugins: {
      once: { use: join(import.meta.dirname, 'at-once') },
      cave: { use: '@labgate/authz-cave' },
      ngauth: {
        use: '@labgate/authz-ngauth',
        host: `127.0.0.1:${port}`,
        config: {
          origins: [viewer],
          credentials: { metadata: true },
          google: { metadata: cloud, sts: cloud, storage: cloud },
        },
      },
    },
    datasets: { seen: { places: [{ bucket: `gs://${bucket}` }] } },
    grants: [{ to: 'signed-in', dataset: 'seen', level: 'view' }],
  }
}

function fill(file: string, { people, tokens }: { people: number; tokens: number }): string[] {
  const database = new Database(file)
  const now = Date.now()
  const account = database.prepare(
    `insert into account (id, state, role, username, display_name, email_verified, created_at, updated_at, revision, numeric_id)
     values (?, 'active', 'user', ?, ?, 0, 0, 0, 1, ?)`,
  )
  const dataset = database.prepare(`insert into dataset (slug, title, created_at, updated_at) values (?, ?, 0, 0)`)
  const grant = database.prepare(
    `insert into access_grant (subject, dataset, level, conditions, granted_by, created_at) values (?, ?, 'view', '{}', 'bench', 0)`,
  )
  const token = database.prepare(
    `insert into api_token (id, digest, account_id, name, hint, scopes, created_by, created_at, expires_at, last_used_at)
     values (?, ?, ?, 'bench', 'lgp_....', '["cave"]', 'bench', ${now}, ${now + 86_400_000}, ${now})`,
  )
  const values: string[] = []
  database.transaction(() => {
    for (let number = 0; number < holds; number++) dataset.run(`d${number}`, `Dataset ${number}`)
    for (let person = 0; person < people; person++) {
      account.run(`p${person}`, `p${person}`, `p${person}`, 1_000_000 + person)
      for (let number = 0; number < holds; number++) grant.run(`account:p${person}`, `d${number}`)
    }
    const step = Math.max(1, Math.floor(people / tokens))
    for (let turn = 0; turn < tokens; turn++) {
      const value = newTokenValue('person', { bytes: (count) => randomBytes(count) })
      token.run(`t${turn}`, tokenDigest(value), `p${(turn * step) % people}`)
      values.push(value)
    }
  })()
  database.close()
  return values
}
