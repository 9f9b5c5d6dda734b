/** The settings of one client that stands in no file, checked as the file's are. @module */
import { clientFindings } from './check-clients.ts'
import { configFault, problemAt, problemText } from './problems.ts'
import type { ClientEntry, Config } from './schema.ts'
import { clientsSchema } from './schema-clients.ts'
import { validateAgainst } from './validate.ts'

const section = { type: 'object', additionalProperties: false, properties: { clients: clientsSchema } } as const

/** What the config file would refuse is refused here; what it would warn of comes back. @throws Fault ERR_CONFIG */
export function checkedClient(
  settings: Readonly<Record<string, unknown>>,
  { id, config }: { readonly id: string; readonly config: Config },
): { readonly client: ClientEntry; readonly warnings: readonly string[] } {
  const options = { path: [], env: {}, demo: config.demo }
  const { value, problems } = validateAgainst(section, { clients: { [id]: settings } }, options)
  if (problems.length > 0) throw configFault(problems)
  const client = value.clients[id] as ClientEntry
  const findings = clientFindings(client, {
    path: ['clients', id],
    demo: config.demo,
    scopes: undefined,
    grantTypes: undefined,
    resources: Object.keys(config.resources),
  })
  const told = (wanted: 'error' | 'warning') =>
    findings.filter(({ level }) => level === wanted).map((found) => problemAt(found, found.message))
  if (told('error').length > 0) throw configFault(told('error'))
  return { client, warnings: told('warning').map(problemText) }
}
