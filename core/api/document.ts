/** The OpenAPI 3.1 document of the admin API, made from the table of operations. @module */
import { type FaultCode, faults, type Schema } from '@labgate/contract'
import { base, type Operation } from './operation.ts'
import { problemTitle } from './problem.ts'
import { ref } from './schema.ts'

/** What the document is made from. */
export interface DocumentParts {
  readonly operations: readonly Operation[]
  /** Named schemas of answers. */
  readonly schemas: Readonly<Record<string, Schema>>
  /** What each tag is about. */
  readonly tags: Readonly<Record<string, string>>
}

/** Tag of what needs no token. */
export const openTag = 'document'

/** Whether an operation needs no token. */
export function isOpen({ tag }: Pick<Operation, 'tag'>): boolean {
  return tag === openTag
}

/** Codes an operation may answer with: those its form implies, and its own. */
export function errorsOf(operation: Operation): readonly FaultCode[] {
  const codes: FaultCode[] = ['ERR_INPUT']
  if (!isOpen(operation)) codes.push('ERR_UNAUTHENTICATED', 'ERR_FORBIDDEN', 'ERR_RATE')
  if (operation.body) codes.push('ERR_TOO_LARGE', 'ERR_MEDIA_TYPE')
  if (Object.keys(operation.params).length > 0) codes.push('ERR_NOT_FOUND')
  return [...new Set([...codes, ...operation.errors])]
}

/** Makes the document. */
export function openApiDocument({ operations, schemas, tags }: DocumentParts): Readonly<Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const operation of operations) {
    const item = paths[operation.path] ?? {}
    paths[operation.path] = { ...item, [operation.method.toLowerCase()]: operationObject(operation) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Labgate admin API',
      version: '1.0.0',
      description: [
        'Everything an administrator looks after: datasets, grants, terms of use, requests, groups, service accounts,',
        'tokens, accounts, answers and the audit trail. A token sees and changes what its account looks after, nothing',
        'else. What is unset is absent; instants are RFC 3339; unknown keys are refused.',
      ].join(' '),
    },
    servers: [{ url: base }],
    security: [{ bearer: [] }],
    tags: Object.entries(tags).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API token with the scope `admin`, in the Authorization header. Cookies say nothing here.',
        },
      },
      schemas,
      responses: errorResponses(operations),
    },
  }
}

function operationObject(operation: Operation): Record<string, unknown> {
  const { id, tag, summary, description, params, query, body, answer } = operation
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(description === undefined ? {} : { description }),
    ...(isOpen(operation) ? { security: [] } : {}),
    parameters: [
      ...Object.entries(params).map(([name, schema]) => parameter('path', name, schema)),
      ...Object.entries(query).map(([name, schema]) => parameter('query', name, schema)),
    ],
    ...(body ? { requestBody: { required: true, content: { 'application/json': { schema: body } } } } : {}),
    responses: {
      [answer.status]: {
        description: answer.description,
        ...(answer.schema ? { content: { 'application/json': { schema: answer.schema } } } : {}),
        ...(answer.file ? { content: { [answer.file]: { schema: { type: 'string', format: 'binary' } } } } : {}),
      },
      ...Object.fromEntries(
        [...new Set(errorsOf(operation).map((code) => faults[code].status))].map((status) => [
          status,
          { $ref: `#/components/responses/${status}` },
        ]),
      ),
      default: { $ref: '#/components/responses/other' },
    },
  }
}

function parameter(place: 'path' | 'query', name: string, { description, ...schema }: Schema): Record<string, unknown> {
  return { name, in: place, required: place === 'path', description, schema }
}

function errorResponses(operations: readonly Operation[]): Record<string, unknown> {
  const codes = [...new Set(operations.flatMap(errorsOf))]
  const statuses = [...new Set(codes.map((code) => faults[code].status))].toSorted((a, b) => a - b)
  const content = { 'application/problem+json': { schema: ref('Problem') } }
  const ofStatus = statuses.map((status) => {
    const own = codes.filter((code) => faults[code].status === status)
    const title = problemTitle(own[0] ?? 'ERR_INTERNAL')
    return [String(status), { description: `${title} (${own.join(', ')}).`, headers: headersOf(status), content }]
  })
  return {
    ...Object.fromEntries(ofStatus),
    other: { description: 'Something the server could not do; the request id finds it in the log.', content },
  }
}

function headersOf(status: number): Record<string, unknown> {
  const header = (description: string) => ({ description, schema: { type: 'string' } })
  if (status === 401 || status === 403) return { 'WWW-Authenticate': header('How to authenticate (RFC 6750 §3).') }
  return status === 429 ? { 'Retry-After': header('Seconds to wait.') } : {}
}
