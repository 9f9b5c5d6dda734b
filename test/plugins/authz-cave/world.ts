/** A Labgate with the dialect of CAVE, some people with tokens, and a caller that reads bytes. @module */
import type { AccountRole, Fact } from '@labgate/contract'
import { type Part, startLabgate, type TestLabgate } from '../../support/labgate.ts'

const house = { kind: 'system', name: 'test' } as const

/** One answer, as bytes. */
export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Headers
}

/** The running world. */
export interface CaveWorld {
  readonly site: TestLabgate
  /** Account ids and numbers by name. */
  readonly ids: Record<string, string>
  readonly numbers: Record<string, number>
  /** Tokens by name: `NAME` has the scopes `cave` and `admin`, `NAME cave` has `cave` alone. */
  readonly tokens: Record<string, string>
  person(name: string, role?: AccountRole): Promise<number>
  /** Asks below `/auth/api/v1/`; `who` is a name of `tokens`. */
  ask(who: string | undefined, call: string, body?: unknown): Promise<Answer>
  /** What it answers as JSON; anything but 200 throws. */
  well<T = unknown>(who: string | undefined, call: string, body?: unknown): Promise<T>
}

/** Starts it. `ask` takes `METHOD path`, GET without a method. */
export async function startCave(config: Part = {}, more: Part = {}): Promise<CaveWorld> {
  const site = await startLabgate({
    plugins: {
      email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
      cave: { use: '@labgate/authz-cave', config },
    },
    ...more,
  })
  const { get } = site.labgate.rooms
  const ids: Record<string, string> = {}
  const numbers: Record<string, number> = {}
  const tokens: Record<string, string> = {}
  const ask: CaveWorld['ask'] = async (who, call, body) => {
    const [method, path] = call.includes(' ') ? (call.split(' ') as [string, string]) : ['GET', call]
    const answer = await fetch(`${site.issuer}/auth/api/v1/${path}`, {
      method,
      redirect: 'manual',
      headers: {
        'x-requested-with': 'XMLHttpRequest',
        ...(who === undefined ? {} : { authorization: `Bearer ${tokens[who] ?? who}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return { status: answer.status, text: await answer.text(), headers: answer.headers }
  }
  return {
    ...{ site, ids, numbers, tokens, ask },
    async person(name, role = 'user') {
      const facts: Fact[] = [
        { claim: 'preferred_username', value: name, trust: 'asserted' },
        { claim: 'name', value: `${name} of the lab`, trust: 'asserted' },
        { claim: 'email', value: `${name}@lab.example`, trust: 'verified' },
      ]
      const id = await get('storage').transaction((em) =>
        get('accounts').createIn(em, { facts, state: 'active', role }),
      )
      ids[name] = id
      tokens[name] = (await get('tokens').create(house, { account: id, name, scopes: ['cave', 'admin'] })).value
      tokens[`${name} cave`] = (await get('tokens').create(house, { account: id, name, scopes: ['cave'] })).value
      const number = (await get('accounts').find(id))?.numericId ?? 0
      numbers[name] = number
      return number
    },
    async well<T>(who: string | undefined, call: string, body?: unknown) {
      const { status, text } = await ask(who, call, body)
      if (status !== 200) throw new Error(`${call} by ${who}: ${status} ${text}`)
      return JSON.parse(text) as T
    },
  }
}
