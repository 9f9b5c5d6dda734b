/**
 * A request that is told twice: headers and queries by which many services let a caller say another method or another path
 * than those of the request line. What they would serve has to be judged, too.
 * @module
 */
import type { RouteAsk } from '@labgate/contract'
import { readTarget } from './paths.ts'
import type { Asked } from './rules.ts'

const methodHeaders = ['x-http-method-override', 'x-http-method', 'x-method-override']
/** IIS, and frameworks that were made to stand behind it. Its sister X-Original-URL never comes this far: the proxy empties it. */
const pathHeaders = ['x-rewrite-url']
/** gunicorn takes the first away from the path, many a Flask application the second. */
const prefixHeaders = ['script-name', 'x-script-name']
/** One who writes a path in so many ways means no good, and each of them is read anew below. */
const mostReadings = 50

/** A header's name as it stands in the environment of CGI and WSGI, where spellings fall together. */
export function spelt(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
}

/** Methods that some service would take it to have: its own first. */
export function methodsOf({ headers }: RouteAsk, { method, target }: Asked): readonly string[] {
  const query = target.split('?').slice(1).join('?')
  // Older readers part a query at semicolons, too.
  const queries = [query, query.replaceAll(';', '&')].map((one) => new URLSearchParams(one))
  const said = [...valuesOf(headers, methodHeaders), ...queries.flatMap((one) => one.getAll('_method'))]
  return [...new Set([method, ...said.map((one) => one.trim().toUpperCase())])]
}

/** Targets that some service would take it to have, besides its own; `undefined`: nobody can tell. */
export function otherTargets({ headers }: RouteAsk, { target }: Asked): readonly string[] | undefined {
  const told = valuesOf(headers, pathHeaders).map((value) => value.replace(/^https?:\/\/[^/]*(?=\/)/i, ''))
  const prefixes = valuesOf(headers, prefixHeaders)
  if (prefixes.length === 0) return told
  const readings = readTarget(target)?.readings ?? []
  // Named twice: who knows which of them counts.
  if (readings.length > mostReadings || prefixes.length > 1 || prefixes[0]?.includes(',')) return undefined
  const [prefix = ''] = prefixes
  const paths = readings.map(({ steps }) => `/${steps.join('/')}/`)
  return [...told, ...paths.filter((path) => path.includes(prefix)).map((path) => without(prefix, path))]
}

/** Wherever in the path it stands: so does gunicorn. */
function without(prefix: string, path: string): string {
  const rest = path.slice(path.indexOf(prefix) + prefix.length).replace(/^(?!\/)/, '/')
  // What was decoded on the way is a path again.
  return rest.replaceAll(/[^\x21-\x7e]+|[#?]/g, encodeURIComponent)
}

function valuesOf(headers: RouteAsk['headers'], names: readonly string[]): readonly string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value !== undefined && value !== '' && names.includes(spelt(name)) ? [value] : [],
  )
}
