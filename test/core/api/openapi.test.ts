import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { checksOf } from '../../../core/api/check.ts'
import { errorsOf, isOpen } from '../../../core/api/document.ts'
import { base } from '../../../core/api/operation.ts'
import { document, operations, schemas } from '../../../core/api/operations.ts'
import { startLabgate } from '../../support/labgate.ts'

interface Documented {
  readonly operationId: string
  readonly summary?: string
  readonly security?: readonly unknown[]
  readonly tags: readonly string[]
  readonly responses: Readonly<Record<string, unknown>>
}

const paths = document.paths as Readonly<Record<string, Readonly<Record<string, Documented>>>>
const documented = Object.entries(paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, one]) => ({ name: `${method.toUpperCase()} ${path}`, ...one })),
)

function refsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(refsIn)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, part]) =>
    key === '$ref' && typeof part === 'string' ? [part] : refsIn(part),
  )
}

function at(pointer: string): unknown {
  return pointer
    .replace('#/', '')
    .split('/')
    .reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>> | undefined)?.[key], document)
}

suite('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1', async () => {
    const found = await new Validator().validate(structuredClone(document))
    assert.deepEqual(found.errors ?? [], [])
    assert.equal(found.valid, true)
    assert.equal(document.openapi, '3.1.0')
  })

  test('names each operation once, with a summary, a known tag, and answers of which one went well', () => {
    const ids = documented.map(({ operationId }) => operationId)
    assert.equal(new Set(ids).size, ids.length)
    const tags = (document.tags as { name: string }[]).map(({ name }) => name)
    for (const { name, operationId, summary, responses, tags: own } of documented) {
      assert.match(operationId, /^[a-z][A-Za-z]+$/, name)
      assert.match(summary ?? '', /^[A-Z].*[^.]$/, name)
      assert.ok(own.length === 1 && tags.includes(own[0] ?? ''), name)
      const good = Object.keys(responses).filter((status) => status.startsWith('2'))
      assert.equal(good.length, 1, name)
      assert.ok('default' in responses, name)
    }
  })

  test('points nowhere that is not there, and has no schema that nothing points to', () => {
    const refs = refsIn(document)
    assert.ok(refs.length > 100)
    assert.deepEqual(
      refs.filter((pointer) => at(pointer) === undefined),
      [],
    )
    const unused = Object.keys(schemas).filter((name) => !refs.includes(`#/components/schemas/${name}`))
    assert.deepEqual(unused, [])
  })

  test('says of every operation but the open ones that a token is needed, and how a refusal looks', () => {
    const open = documented.filter(({ security }) => security?.length === 0).map(({ operationId }) => operationId)
    assert.deepEqual(open, ['listProblems'])
    for (const { name, operationId, responses } of documented)
      if (!open.includes(operationId))
        for (const status of ['400', '401', '403', '429']) assert.ok(status in responses, `${name} ${status}`)
  })

  test('every body and every part of an address is closed, and every field is described', () => {
    for (const { id, body, params, query } of operations) {
      if (body) assert.equal(body.additionalProperties, false, id)
      for (const [name, schema] of Object.entries({ ...params, ...query, ...(body?.properties ?? {}) }))
        assert.match(String(schema.description ?? ''), /^.{4,}$/s, `${id}.${name}`)
    }
  })

  test('errors are those that the form of an operation implies, and its own', () => {
    for (const operation of operations) {
      const codes = errorsOf(operation)
      assert.equal(codes.includes('ERR_UNAUTHENTICATED'), !isOpen(operation), operation.id)
      assert.equal(codes.includes('ERR_TOO_LARGE'), operation.body !== undefined, operation.id)
    }
  })

  test('the live route table and the document name the same routes', async () => {
    const site = await startLabgate()
    try {
      const live = site.labgate.app.routes
        .list()
        .filter(({ path }) => path.startsWith(`${base}/`))
        .map(({ method, path }) => `${method} ${path.slice(base.length).replaceAll(/:(\w+)/g, '{$1}')}`)
      assert.deepEqual(live.toSorted(), [...documented.map(({ name }) => name), 'GET /openapi.json'].toSorted())
      const answered = await fetch(new URL(`${base}/openapi.json`, site.issuer))
      assert.equal(answered.status, 200)
      assert.match(answered.headers.get('content-type') ?? '', /^application\/json/)
      assert.deepEqual(await answered.json(), JSON.parse(JSON.stringify(document)))
    } finally {
      await site.stop()
    }
  })
})

suite('the check of what is sent', () => {
  const checksFor = (id: string) => {
    const operation = operations.find((one) => one.id === id)
    assert.ok(operation)
    return checksOf(operation)
  }
  const said = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      return (error as Error).message
    }
    return 'accepted'
  }

  test('names the field and never repeats what was sent', () => {
    const { body } = checksFor('addGrant')
    const good = { subject: 'anyone', dataset: 'fish' }
    const cases: [unknown, RegExp][] = [
      [{ dataset: 'fish' }, /^The body's `subject` is missing\.$/],
      [{ ...good, leven: 'view' }, /^The body's `leven` is not known here\.$/],
      [{ ...good, level: 'secret-word' }, /^The body's `level` must be one of view, edit, manage, admin\.$/],
      [{ ...good, why: 7 }, /^The body's `why` must be string\.$/],
      [{ ...good, dataset: 'a\u0000b' }, /^The body's `dataset` has a character/],
      [
        { ...good, conditions: { facts: [{ via: 'orcid' }] } },
        /^The body's `conditions\.facts\[0\]\.claim` is missing\.$/,
      ],
      [
        { ...good, conditions: { from: 'tomorrow' } },
        /^The body's `conditions\.from` must match format "date-time"\.$/,
      ],
      [[good], /^The body must be object\.$/],
      [null, /^The body must be object\.$/],
      [undefined, /^The body must be object\.$/],
    ]
    for (const [value, expected] of cases) {
      const message = said(() => body(value))
      assert.match(message, expected)
      assert.doesNotMatch(message, /secret-word|tomorrow/)
    }
    assert.equal(
      said(() => body(good)),
      'accepted',
    )
  })

  test('every operation has schemas that can be checked', () => {
    for (const operation of operations) {
      const { body, query, params } = checksOf(operation)
      for (const work of [() => body({}), () => query({}), () => params({})]) assert.doesNotMatch(said(work), /schema/)
    }
  })

  test('reads numbers in queries and nowhere else', () => {
    assert.deepEqual(checksFor('listGrants').query({ limit: '10' }), { limit: 10, state: 'current' })
    assert.deepEqual(checksFor('listGrants').query({}), { limit: 100, state: 'current' })
    for (const limit of ['0', '1001', '1.5', 'ten', '', ['1', '2']])
      assert.match(
        said(() => checksFor('listGrants').query({ limit })),
        /`limit` must be/,
        String(limit),
      )
    assert.match(
      said(() => checksFor('listGrants').query({ access_token: 'x' })),
      /`access_token` is not known here/,
    )
    assert.match(
      said(() => checksFor('addInvitation').body({ seats: '10' })),
      /`seats` must be integer/,
    )
  })

  test('takes no control characters, lone surrogates or line breaks where one line is meant', () => {
    const { body } = checksFor('createDataset')
    for (const title of ['a\nb', 'a\u0000', '\u0085', '\u2028', '\ud800', 'a\u007f', ''])
      assert.notEqual(
        said(() => body({ slug: 'fish', title })),
        'accepted',
        JSON.stringify(title),
      )
    assert.equal(
      said(() => body({ slug: 'fish', title: 'Zebrafish 🐟 é', description: 'a\n\tb' })),
      'accepted',
    )
    assert.notEqual(
      said(() => body({ slug: 'fish', title: 'a', description: 'a\u0000' })),
      'accepted',
    )
  })
})
