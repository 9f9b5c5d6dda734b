import assert from 'node:assert/strict'
import { test } from 'node:test'
import plugin from '@labgate/auth-email'
import { Ajv2020 } from 'ajv/dist/2020.js'

const ajv = new Ajv2020({ strict: true, allErrors: true, useDefaults: true })
ajv.addFormat('duration', /^\d+[smhd]$/)
const check = ajv.compile(plugin.config)

test('an empty config is filled with the limits of the README', () => {
  const config = {}
  assert.ok(check(config))
  assert.deepEqual(config, {
    codeLifetime: '10m',
    tries: 3,
    mailsPerHour: 3,
    mailsPerHourNetwork: 60,
    mailsPerHourTotal: 1000,
  })
})

test('datalab’s three values and either spelling of the list are taken, unknown keys and values out of range are not', () => {
  for (const config of [
    { emailDomainAllowList: null },
    { emailDomainAllowList: [] },
    { emailDomainAllowList: ['example.org'] },
    { domains: ['*.example.org'] },
  ])
    assert.ok(check(config), JSON.stringify(check.errors))
  for (const config of [
    { domains: [] },
    { emailDomainAllowList: 'example.org' },
    { tries: 6 },
    { mailsPerHour: 0 },
    { domain: 'example.org' },
  ])
    assert.ok(!check(config), JSON.stringify(config))
})
