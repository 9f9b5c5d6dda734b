/** Adding a relying party, the same way by command, API and console. @module */
import { Fault, isFault } from '@labgate/contract'
import { isLoopback } from '../config/check-clients.ts'
import { checkedClient } from '../config/client-settings.ts'
import type { Config } from '../config/schema.ts'
import { presetRecipe, presetSettings } from './client-presets.ts'
import type { PresetName, Recipe } from './client-recipes.ts'
import { type ClientRoster, type ClientSettings, hasSecret } from './clients.ts'

/** What is asked of a new relying party. */
export interface NewClient {
  readonly id: string
  /** A program that many labs have, and where it is reached. */
  readonly preset?: { readonly name: PresetName; readonly url: string } | undefined
  /** As an entry of `clients` in the config file; it wins over what the preset fills in. */
  readonly settings?: Readonly<Record<string, unknown>>
}

/** A relying party that was added. */
export interface AddedClient {
  readonly id: string
  readonly settings: ClientSettings
  /** Shown this once; absent where it has none. */
  readonly secret: string | undefined
  /** What its own side is told, with the secret in it; absent without a preset. */
  readonly recipe: Recipe | undefined
  /** What the config file's check would warn of. */
  readonly warnings: readonly string[]
}

/**
 * Adds a relying party. The audit line is the caller's, who knows by whom.
 * @throws Fault ERR_INPUT (what the config file would refuse), ERR_CONFLICT (the id is taken)
 */
export type AddClient = (asked: NewClient) => Promise<AddedClient>

/** Makes it, on the clients of a site. */
export function createAddClient(needs: {
  readonly config: Config
  readonly clients: Pick<ClientRoster, 'find' | 'save'>
}): AddClient {
  const { config, clients } = needs
  return async ({ id, preset, settings = {} }) => {
    const url = preset && presetUrl(preset.url, config)
    const filled = preset && url !== undefined ? presetSettings(preset.name, url) : {}
    const { resource } = { ...filled, ...settings }
    if (preset && typeof resource === 'string' && !Object.hasOwn(config.resources, resource))
      throw new Fault('ERR_INPUT', `There is no resource server ${resource} in the config file.`)
    const { client, warnings } = checked({ ...filled, ...settings }, { id, config })
    if (preset && !hasSecret(client))
      throw new Fault('ERR_INPUT', 'Presets are for programs that keep a secret; say everything yourself for others.')
    if ((await clients.find(id)) !== undefined)
      throw new Fault('ERR_CONFLICT', `There is a client ${id} already; choose another id, or remove it first.`)
    const { secret } = await clients.save(id, client)
    const told = { issuer: config.issuer, site: config.name, id, secret: secret ?? '' }
    const recipe = preset && url !== undefined ? presetRecipe(preset.name, { ...told, url }, client) : undefined
    return { id, settings: client, secret, recipe, warnings }
  }
}

/** The address of a relying party without a slash at its end. */
function presetUrl(text: string, { demo }: Config): string {
  const url = URL.parse(text.trim())
  const isPlain =
    url && /^https?:$/.test(url.protocol) && `${url.search}${url.hash}${url.username}${url.password}` === ''
  if (!isPlain) throw new Fault('ERR_INPUT', 'Its address looks like https://hub.example.org, without ? and #.')
  if (url.protocol === 'http:' && !demo && !isLoopback(url))
    throw new Fault('ERR_INPUT', 'Its address must be https; http is for localhost, 127.0.0.1 and [::1] only.')
  return url.href.replace(/\/+$/, '')
}

/** What is wrong is the caller's mistake here, not the file's. */
function checked(settings: Readonly<Record<string, unknown>>, at: { readonly id: string; readonly config: Config }) {
  try {
    return checkedClient(settings, at)
  } catch (error) {
    if (!isFault(error) || error.code !== 'ERR_CONFIG') throw error
    throw new Fault('ERR_INPUT', error.message, { cause: error })
  }
}
