/** Tables of services: whose they are, and which of their objects anyone may see. Ids are unsigned 64-bit integers. @module */
import type { Handler, RouteAsk } from '@labgate/contract'
import { json, jsonText, words } from './answers.ts'
import type { CaveContext } from './config.ts'

const largest = 2n ** 64n - 1n
/** One more than fits is no mistake of ours: no root has such an id. */
const digits = /^\d{1,20}$/

/** Handlers of tables and roots. */
export function tableHandlers({ access, config }: CaveContext): Readonly<Record<string, Handler>> {
  const publicIn = async (name: string, roots?: readonly bigint[]): Promise<readonly bigint[]> => {
    for (const namespace of config.tableNamespaces)
      if (await access.datasetOfTable({ namespace, name }))
        return access.publicRoots({ namespace, name, ...(roots === undefined ? {} : { roots }) })
    return []
  }
  const table = ({ params }: RouteAsk) => params.table ?? ''
  return {
    async dataset({ params: { namespace = '', table: name = '' } }) {
      const found = await access.datasetOfTable({ namespace, name })
      return found ? json(found.slug) : words(404, 'No dataset for given service and table names')
    },
    hasPublic: async (ask) => json((await publicIn(table(ask))).length > 0),
    async isPublic(ask) {
      const root = rootOf(ask.params.root ?? '')
      return json(root !== undefined && (await publicIn(table(ask), [root])).length === 1)
    },
    publicRoots: async (ask) => jsonText(`[${(await publicIn(table(ask))).join(',')}]`),
    async allPublic(ask) {
      const asked = rootsIn(ask.body)
      if (asked === undefined) return json({ error: 'invalid_root_ids' }, 400)
      if (asked.length === 0) return json({ error: 'missing_root_ids' }, 400)
      const roots = new Set(asked.flatMap((one) => rootOf(one) ?? []))
      if (asked.some((one) => rootOf(one) === undefined)) return json(false)
      // One word for all of them: a list would be true to whoever asks, whatever stands in it.
      return json((await publicIn(table(ask), [...roots])).length === roots.size)
    },
  }
}

function rootOf(written: string): bigint | undefined {
  if (!digits.test(written)) return undefined
  const root = BigInt(written)
  return root <= largest ? root : undefined
}

/** The numbers of a JSON list as they are written: doubles would take neighbours for one another. */
function rootsIn(body: Uint8Array): readonly string[] | undefined {
  try {
    const written = (_key: string, value: unknown, { source }: { readonly source?: string }) =>
      typeof value === 'number' ? source : value
    // The third argument is newer than the types of `JSON.parse`.
    const parsed: unknown = JSON.parse(
      new TextDecoder().decode(body),
      written as (key: string, value: unknown) => unknown,
    )
    return Array.isArray(parsed) && parsed.every((one) => typeof one === 'string') ? parsed : undefined
  } catch {
    return undefined
  }
}
