/** What everybody may know of a deployment. @module */
import type { Handler, Json, RouteAsk, RouteReply } from '@labgate/contract'
import { failure, json } from './answers.ts'
import type { DatalabContext } from './config.ts'
import { type Providers, providerNames } from './providers.ts'

const apiVersion = '0.1.0'

/** Handlers of `/info`, of the pages about it, and of health. */
export function infoHandlers(context: DatalabContext, providers: Providers): Readonly<Record<string, Handler>> {
  const { config, clock } = context
  const meta = ({ url }: RouteAsk) => ({
    timestamp: clock.now().toISOString(),
    query: url.search.slice(1),
    api_version: apiVersion,
    available_api_versions: [apiVersion],
    server_version: config.serverVersion,
    datamodel_version: config.serverVersion,
  })
  const list = (ask: RouteAsk, data: Json): RouteReply => json({ data, meta: meta(ask), links: null })
  const types = config.types.map(({ id, schema }) => ({
    ...{ id, type: 'item_type' },
    // The config is JSON, so what a schema may say is.
    attributes: { version: config.serverVersion, api_version: apiVersion, schema: schema as unknown as Json },
  }))
  return {
    info: async (ask) => {
      const attributes = { ...meta(ask), query: '', ...deploymentOf(context), ...featuresOf(context, providers) }
      const links = { self: context.url('/info').href }
      return json({ data: { id: '/', type: 'info', attributes }, meta: meta(ask), links })
    },
    blocks: async (ask) => list(ask, config.blocks.map(blockOf)),
    types: async (ask) => list(ask, types),
    async type(ask) {
      const { type = '' } = ask.params
      const found = types.find(({ id }) => id === type)
      if (found) return list(ask, found)
      return json({ status: 'error', detail: `Item type ${type} not found for this deployment` }, 404)
    },
    // What is counted lies in the datalab behind; people are not counted for everybody.
    stats: async () => json({ counts: {} }),
    userActivity: async () => json({ status: 'success', data: {} }),
    alive: async () => json({ status: 'success' }),
    async ready() {
      try {
        await context.store.get('prefix')
        return json({ status: 'success' })
      } catch (cause) {
        context.log.error({ err: cause }, 'the store does not answer')
        return failure(502, 'The store does not answer.')
      }
    },
  }
}

function deploymentOf({ config: { deployment, identifierPrefix } }: DatalabContext): Readonly<Record<string, Json>> {
  const { maintainer, issueTracker, homepage, sourceRepository } = deployment
  const name = maintainer?.displayName ?? null
  return {
    // Sent under datalab's misspelt name as well, because clients read that one.
    maintainer: maintainer ? { display_name: name, dislay_name: name, contact_email: maintainer.contactEmail } : null,
    issue_tracker: issueTracker ?? null,
    homepage: homepage ?? null,
    source_repository: sourceRepository ?? null,
    identifier_prefix: identifierPrefix,
  }
}

function featuresOf({ config }: DatalabContext, providers: Providers): Readonly<Record<string, Json>> {
  const offered = (name: string) => providers.instanceOf(name) !== undefined && (name !== 'email' || config.magicLinks)
  return {
    features: {
      auth_mechanisms: Object.fromEntries(providerNames.map((name) => [name, offered(name)])),
      ai_integrations: { openai: false, anthropic: false },
      email_notifications: providers.instanceOf('email') !== undefined,
    },
    max_upload_bytes: config.maxUploadBytes,
  }
}

function blockOf(block: DatalabContext['config']['blocks'][number]): Json {
  const { id, name, description, version, acceptedFileExtensions } = block
  const attributes = { name, description, version, accepted_file_extensions: [...acceptedFileExtensions] }
  return { id, type: 'block_type', attributes }
}
