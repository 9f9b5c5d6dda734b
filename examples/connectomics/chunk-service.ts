/** A CAVE service in small: `GET /table/TABLE/FILE` gives a file of a volume to whom the guard lets by. @module */
import { type AuthPlaces, createGuard } from './guard.ts'
import { listen, type Site } from './site.ts'

/** Files of a volume by dataset and name. */
export type Volumes = Readonly<Record<string, Readonly<Record<string, Uint8Array>>>>

const cors = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Headers': 'authorization, x-requested-with',
  'Access-Control-Expose-Headers': 'www-authenticate',
}

/** Starts it at `address`. */
export function startChunkService(
  address: string,
  { at, volumes }: { at: AuthPlaces; volumes: Volumes },
): Promise<Site> {
  const guard = createGuard(at)
  return listen(address, 'chunk service', async (req, res) => {
    const url = new URL(req.url ?? '/', address)
    if (req.method === 'OPTIONS') return void res.writeHead(204, cors).end()
    // A viewer asks here where its people sign in.
    if (url.pathname === '/auth_info')
      return void res
        .writeHead(200, { ...cors, 'Content-Type': 'application/json' })
        .end(JSON.stringify({ login_url: at.sticky }))
    const [, table, name] = /^\/table\/([\w-]+)\/([\w/-]+)$/.exec(url.pathname) ?? []
    if (req.method !== 'GET' || table === undefined || name === undefined) return void res.writeHead(404, cors).end()
    const verdict = await guard({ req, url, table, permission: 'view' })
    if ('status' in verdict)
      return void res.writeHead(verdict.status, { ...cors, ...verdict.headers }).end(verdict.body)
    const files = volumes[verdict.dataset] ?? {}
    const file = Object.hasOwn(files, name) ? files[name] : undefined
    if (file === undefined) return void res.writeHead(404, cors).end()
    const type = name === 'info' ? 'application/json' : 'application/octet-stream'
    res.writeHead(200, { ...cors, 'Content-Type': type, 'Cache-Control': 'private, no-store' }).end(file)
  })
}
