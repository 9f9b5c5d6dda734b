/**
 * The token endpoint in its plain form, past the library's app: a client with a secret, each parameter once and known. Which grant
 * it is says who answers; whatever is not plain, and every refusal, is for the library, which gets the request as it came.
 * @module
 */
import type { IncomingMessage } from 'node:http'
import type { QuickAnswer } from '../../http/provider.ts'
import { formText } from '../forms.ts'
import { type Asked, json, secretClient, whoOf } from './client.ts'
import { clientGrant, type QuickGrantModels, type QuickGrantNeeds } from './client-credentials.ts'
import { codeGrant, type QuickCodeModels, type QuickCodeNeeds, refreshGrant } from './code.ts'

export interface QuickTokenNeeds extends QuickGrantNeeds, QuickCodeNeeds {
  /** Notes that a client was used; nobody waits for it. */
  used(client: string): void
}

export interface QuickTokenModels extends QuickGrantModels, QuickCodeModels {}

interface Parts {
  readonly models: QuickTokenModels
  readonly needs: QuickTokenNeeds
}

/** A grant, and the parameters that it knows besides those that say who asks. */
interface Grant {
  readonly knows: ReadonlySet<string>
  /** `undefined`: it is for the library, and nothing was written. */
  answer(asked: Asked, parts: Parts): Promise<object | undefined>
}

const grants: ReadonlyMap<string | null, Grant> = new Map<string, Grant>([
  ['client_credentials', { knows: new Set(['scope', 'resource']), answer: clientGrant }],
  ['authorization_code', { knows: new Set(['code', 'redirect_uri', 'code_verifier']), answer: codeGrant }],
  ['refresh_token', { knows: new Set(['refresh_token']), answer: refreshGrant }],
])

const always = new Set(['grant_type', 'client_id', 'client_secret'])

/** Answers a plain request for tokens; `undefined`: it is for the library. */
export async function tokens(req: IncomingMessage, parts: Parts): Promise<QuickAnswer | undefined> {
  const text = await formText(req)
  if (text === undefined) return undefined
  const form = new URLSearchParams(text)
  const type = form.get('grant_type')
  const grant = grants.get(type)
  if (type === null || grant === undefined || !isPlain(form, grant.knows)) return undefined
  const who = whoOf(req, form)
  const client = who && (await secretClient(who, parts.models.Client))
  // Those that are held to a profile, or to a key of their own, prove more than a secret.
  if (!client?.grantTypeAllowed(type) || client.dpopBoundAccessTokens || client.labgate_profile) return undefined
  const body = await grant.answer({ client, form }, parts)
  if (body === undefined) return undefined
  parts.needs.used(client.clientId)
  return json(body)
}

/** Whether each parameter is known, there once, and says something. */
function isPlain(form: URLSearchParams, known: ReadonlySet<string>): boolean {
  const seen = new Set<string>()
  for (const [name, value] of form) {
    if (value === '' || seen.has(name) || !(always.has(name) || known.has(name))) return false
    seen.add(name)
  }
  return true
}
