/** The LabArchives of the world, and which of them an instance speaks to. @module */
import type { Config } from './config.ts'

const hosts: Readonly<Record<Config['region'], string>> = {
  us: 'api.labarchives.com',
  ca: 'caapi.labarchives.com',
  au: 'auapi.labarchives.com',
  uk: 'ukapi.labarchives.com',
  eu: 'euapi.labarchives.com',
  gov: 'api.labarchives-gov.com',
}

/** Where an instance's LabArchives is. */
export interface Place {
  /** Origin of the API host; the issuer of everybody who signs in there. */
  readonly origin: string
  /** The host alone, for messages. */
  readonly host: string
  /** `us`, `ca`, `au`, `uk`, `eu`, `gov`; a host that is none of these is its own region. */
  readonly region: string
}

/** The place that a config names: by region, or by an address, which wins. */
export function placeOf({ region, baseUrl }: Pick<Config, 'region' | 'baseUrl'>): Place {
  const { origin, host } = new URL(baseUrl ?? `https://${hosts[region]}`)
  const known = Object.entries(hosts).find((entry) => entry[1] === host)?.[0]
  return { origin, host, region: known ?? host }
}
