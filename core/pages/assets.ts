/** The static files of the pages, each at an address that carries its hash, so that browsers may keep them for ever. @module */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

/** One static file. */
export interface Asset {
  /** Path on the issuer: `/assets/style.3f2a9c1b0d.css`. */
  readonly url: string
  /** Media type. */
  readonly type: string
  readonly body: Buffer
}

/** Name to file: `style.css`, `logo.svg` and, when the deployer has one, `brand`. */
export type Assets = Readonly<Record<string, Asset>>

const folder = join(import.meta.dirname, 'assets')

/** What a deployer's logo may be. */
const images: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
}
const types: Readonly<Record<string, string>> = {
  ...images,
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
}

/**
 * Reads our own static files and the deployer's logo.
 * @throws TypeError when the logo is of no known image type; what `node:fs` throws when it cannot be read
 */
export function loadAssets({ logo }: { readonly logo?: string | undefined } = {}): Assets {
  const own = readdirSync(folder).map((name) => [name, assetOf(name, { file: join(folder, name), types })] as const)
  const brand =
    logo === undefined ? [] : [['brand', assetOf(`brand${extname(logo)}`, { file: logo, types: images })] as const]
  return Object.fromEntries([...own, ...brand])
}

/** Name to address, as `createPages` takes them. */
export function assetUrls(assets: Assets): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(assets).map(([name, asset]) => [name, asset.url]))
}

type Source = { readonly file: string; readonly types: Readonly<Record<string, string>> }

function assetOf(name: string, { file, types: known }: Source): Asset {
  const extension = extname(name).toLowerCase()
  const type = known[extension]
  if (type === undefined) throw new TypeError(`${file}: must be one of ${Object.keys(known).join(' ')}`)
  const body = readFileSync(file)
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 12)
  const stem = name.slice(0, name.length - extension.length)
  return { url: `/assets/${stem}.${hash}${extension}`, type, body }
}
