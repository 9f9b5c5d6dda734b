/**
 * A datalab in small, as it is without Labgate: people and keys of its own, items with creators, and each person's items for
 * the key that comes in `DATALAB-API-KEY`. It has never heard of Labgate.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listen, type Site } from './site.ts'

interface Person {
  readonly immutable_id: string
  readonly display_name: string
}

interface Item {
  readonly type: 'samples'
  readonly item_id: string
  readonly refcode: string
  readonly name: string
  readonly creators: readonly Person[]
}

const ada: Person = { immutable_id: '65f000000000000000000001', display_name: 'Ada of the datalab' }
const ben: Person = { immutable_id: '65f000000000000000000002', display_name: 'Ben of the datalab' }

/** A real datalab makes keys on the page of one's account, and keeps digests of them. */
const people: Readonly<Record<string, Person>> = { 'the-key-of-ada': ada, 'the-key-of-ben': ben }

/** Starts it, with two items of Ada and one of Ben. */
export function startDatalab(port: number): Promise<Site> {
  const items = [
    itemOf('KHQLYP', { item_id: 'perovskite-7', name: 'Perovskite film', creator: ada }),
    itemOf('WMTZRA', { item_id: 'cathode-2', name: 'Cathode, second try', creator: ada }),
    itemOf('QXVNJE', { item_id: 'zeolite-1', name: 'Zeolite', creator: ben }),
  ]
  return listen(port, 'datalab', async (req, res) => {
    const path = new URL(req.url ?? '/', 'http://datalab').pathname
    if (path === '/info') return json(res, 200, info)
    const key = req.headers['datalab-api-key']
    const person = typeof key === 'string' && Object.hasOwn(people, key) ? people[key] : undefined
    if (person === undefined) return json(res, 401, { status: 'failure', message: 'User must be authenticated.' })
    const own = items.filter(({ creators }) => creators.includes(person))
    if (path === '/') return page(res, person, own)
    if (path === '/get-current-user/') return json(res, 200, { ...person, role: 'user', account_status: 'active' })
    if (path === '/samples/') return json(res, 200, { status: 'success', samples: own })
    const refcode = /^\/items\/(grey:[A-Z]{6})$/.exec(path)?.[1]
    const item = own.find((one) => one.refcode === refcode)
    if (item) return json(res, 200, { status: 'success', item_data: item })
    if (path === '/new-sample/' && req.method === 'POST') return add(req, res, { items, person })
    json(res, 404, { status: 'error', message: 'No matching item, or no permission for it.' })
  })
}

function itemOf(code: string, { item_id, name, creator }: { item_id: string; name: string; creator: Person }): Item {
  return { type: 'samples', item_id, refcode: `grey:${code}`, name, creators: [creator] }
}

const info = {
  data: {
    ...{ id: '/', type: 'info' },
    attributes: { api_version: '0.1.0', available_api_versions: ['0.1.0'], identifier_prefix: 'grey' },
  },
}

function json(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' }).end(JSON.stringify(body))
}

function page(res: ServerResponse, { display_name }: Person, own: readonly Item[]): void {
  const rows = own.map(({ refcode, name }) => `<li>${escaped(refcode)} ${escaped(name)}</li>`).join('')
  res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' })
  res.end(`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Grey datalab</title><h1>Samples of ${escaped(display_name)}</h1><ul>${rows}</ul></html>`)
}

const escaped = (text: string) =>
  text.replaceAll(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign)

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'

async function add(
  req: IncomingMessage,
  res: ServerResponse,
  { items, person }: { readonly items: Item[]; readonly person: Person },
): Promise<void> {
  const { item_id, name } = await sampleIn(req)
  if (!/^[a-z0-9-]{1,40}$/.test(item_id) || items.some((one) => one.item_id === item_id))
    return json(res, 409, { status: 'error', message: 'item_id is taken, or is none.' })
  const code = Array.from({ length: 6 }, (_, place) => letters[(items.length * 7 ** place) % 26]).join('')
  const item = itemOf(code, { item_id, name, creator: person })
  items.push(item)
  json(res, 201, { status: 'success', item_id, sample_list_entry: item })
}

async function sampleIn(req: IncomingMessage): Promise<{ readonly item_id: string; readonly name: string }> {
  let text = ''
  for await (const chunk of req) {
    text += chunk
    if (text.length > 10_000) return { item_id: '', name: '' }
  }
  try {
    const { new_sample_data } = JSON.parse(text) as { new_sample_data?: { item_id?: unknown; name?: unknown } }
    return { item_id: String(new_sample_data?.item_id ?? ''), name: String(new_sample_data?.name ?? '').slice(0, 100) }
  } catch {
    // What is no JSON names no item; the caller says so.
    return { item_id: '', name: '' }
  }
}
