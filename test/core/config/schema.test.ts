import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import type { Schema } from '@labgate/contract'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { parse } from 'yaml'
import { marker, renderDocument } from '../../../core/config/document.ts'
import { configSchema } from '../../../core/config/schema.ts'
import { renderSchema } from '../../../core/config/schema-file.ts'
import { mapSchema } from '../../../core/config/walk.ts'

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')

test('every property of the core’s schema has a description', () => {
  const without: string[] = []
  mapSchema(configSchema, (schema) => {
    for (const [key, part] of Object.entries(schema.properties ?? {})) {
      if (!part.description) without.push(key)
    }
    return schema
  })
  assert.deepEqual(without, [])
})

test('every object of the core’s schema says which keys it takes', () => {
  const open: unknown[] = []
  mapSchema(configSchema, (schema) => {
    const isObject = schema.type === 'object' && schema.format !== 'secret'
    if (isObject && schema.additionalProperties === undefined) open.push(schema.description)
    return schema
  })
  assert.deepEqual(open, [])
})

test('the example names every key of the schema', async () => {
  const example = await read('config/labgate.example.yaml')
  const missing: string[] = []
  mapSchema(configSchema, (schema) => {
    for (const key of Object.keys(schema.properties ?? {})) {
      if (!new RegExp(`\\b${key}: `).test(example.replaceAll('\n', ' \n'))) missing.push(key)
    }
    return schema
  })
  assert.deepEqual(missing, [])
})

const plugin: { use: string; config: Schema & { type: 'object'; additionalProperties: false } } = {
  use: '@scope/auth-x',
  config: {
    type: 'object',
    additionalProperties: false,
    required: ['id'],
    $defs: { word: { type: 'string', minLength: 2 } },
    properties: {
      id: { $ref: '#/$defs/word', description: 'Id.' },
      life: { type: 'string', format: 'duration', description: 'Life.' },
      key: { type: 'object', format: 'secret', description: 'Key.' },
    },
  },
}

function published(plugins: Parameters<typeof renderSchema>[0]) {
  const ajv = new Ajv2020({ strict: false })
  addFormats.default(ajv)
  const validate = ajv.compile(JSON.parse(renderSchema(plugins)))
  return (config: object) => validate({ issuer: 'https://a.b', plugins: { x: { use: '@scope/auth-x', config } } })
}

test('the published schema checks a plugin’s config by its `use`', () => {
  const accepts = published([plugin])
  assert.equal(accepts({ id: 'ab', life: '5m', key: { env: 'K' } }), true)
  assert.equal(accepts({ id: 'ab', key: { file: '/k' } }), true)
  assert.equal(accepts({ id: 'a' }), false, 'inner references lead into the plugin’s schema')
  assert.equal(accepts({}), false)
  assert.equal(accepts({ id: 'ab', life: '5 minutes' }), false)
  assert.equal(accepts({ id: 'ab', key: { env: 'K', file: 'k' } }), false)
  assert.equal(accepts({ id: 'ab', other: 1 }), false)
  assert.equal(published([])({ other: 1 }), true, 'a plugin that is not at hand is not judged')
})

test('the published schema does not depend on the order of the plugins', () => {
  const other = { ...plugin, use: '@scope/auth-a' }
  assert.equal(renderSchema([plugin, other]), renderSchema([other, plugin]))
})

test('the published schema accepts both files of config/', async () => {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  const validate = ajv.compile(JSON.parse(await read('schemas/labgate.schema.json')))
  for (const name of ['labgate.yaml', 'labgate.example.yaml']) {
    assert.equal(validate(parse(await read(`config/${name}`))), true, `${name}: ${JSON.stringify(validate.errors)}`)
  }
})

test('renderDocument() keeps what is written by hand and renews the rest', () => {
  const page = renderDocument(`# Hand\n\nWords.\n\n${marker}\n\nold\n`)
  assert.ok(page.startsWith(`# Hand\n\nWords.\n\n${marker}\n\n## Top level\n`))
  assert.doesNotMatch(page, /\bold\n/)
  assert.match(page, /\| `port` \| integer \| `8080` \|/)
  assert.equal(renderDocument(page), page)
})
