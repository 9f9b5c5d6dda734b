import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allows, isOrigin, originsOf } from '../../../plugins/authz-ngauth/origins.ts'

const origins = ['https://viewer.example']

test('an origin is allowed by its exact text or by the whole expression', () => {
  const list = originsOf({ origins, originPattern: '^https://[a-z0-9-]+\\.lab\\.example$' })
  for (const good of ['https://viewer.example', 'https://a-1.lab.example']) assert.ok(allows(list, good), good)
  for (const bad of [
    'http://viewer.example',
    'https://viewer.example:444',
    'https://viewer.example.evil.example',
    'https://lab.example',
    'https://a.b.lab.example',
    'https://a.labXexample',
    'https://a.lab.example\n',
    'null',
    '',
  ])
    assert.ok(!allows(list, bad), bad)
})

test('an expression that takes more than it says stops the start', () => {
  for (const [originPattern, why] of [
    ['^https://a.lab.example$', /a dot/],
    ['^https://a\\.example$|^https://', /alternatives/],
    ['^https?://[^/]*$', /every site/],
    ['^https://.*$', /every site/],
    ['^https://(a$', /no regular expression/],
  ] as const)
    assert.throws(() => originsOf({ origins, originPattern }), { code: 'ERR_CONFIG', message: why }, originPattern)
})

test('what browsers send besides origins is none', () => {
  for (const odd of [
    undefined,
    'null',
    'https://a.example/',
    'file://',
    'https://A.example',
    `https://${'a'.repeat(400)}`,
  ])
    assert.equal(isOrigin(odd), false, String(odd))
})
