import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import Koa from 'koa'
import { createAccounts } from '../../../core/accounts/accounts.ts'
import { createSessions } from '../../../core/accounts/sessions.ts'
import type { Ctx, State } from '../../../core/http/context.ts'
import { createSessionCookie } from '../../../core/http/session.ts'
import { systemRandom } from '../../../core/random.ts'
import { openSqlite } from '../../support/storage.ts'

test('a browser is given its session when all that belongs to the sign-in is written, and not before', async (t) => {
  const { storage, clock, close } = await openSqlite()
  t.after(close)
  const accounts = createAccounts({ storage, clock, random: systemRandom })
  const ada = await storage.transaction((em) => accounts.createIn(em, { facts: [], state: 'active', role: 'user' }))
  const sessions = createSessions({
    ...{ store: storage.sessions, accounts, clock, host: 'localhost' },
    lifetimes: { idle: 3600, max: 3600, remember: 3600 },
  })
  const koa = new Koa<State>()
  const cookie = createSessionCookie({ koa, sessions, random: systemRandom, cookieName: 's', secure: false })
  const start = {
    ...{ account: ada, instance: 'uni', identity: 'x', amr: [], acr: undefined, authTime: clock.now() },
    ...{ address: '192.0.2.1', userAgent: '', providerUid: undefined },
  }
  koa.use(async (ctx) => {
    const isLost = ctx.path === '/lost'
    const line = isLost ? Promise.reject(new Error('the line of the trail is lost')) : Promise.resolve()
    // Nobody else hears of it here.
    line.catch(() => undefined)
    const remember = ctx.query.remember !== undefined
    // As the app answers errors: headers set so far stay.
    await cookie.open(ctx as unknown as Ctx, { ...start, remember }, line).catch(() => undefined)
    ctx.body = 'answered'
  })
  const server = createServer(koa.callback()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const cookies = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).headers.getSetCookie().length
  assert.deepEqual(await Promise.all(['/', '/?remember', '/lost', '/lost?remember'].map(cookies)), [1, 1, 0, 0])
})
