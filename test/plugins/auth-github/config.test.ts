import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Fault, type Json, secretOf } from '@labgate/contract'
import plugin from '../../../plugins/auth-github/index.ts'
import { settingsOf } from '../../../plugins/auth-github/settings.ts'
import { configOf, signInWorld } from '../../support/sign-in-world.ts'
import { testContext } from '../../testkit/index.ts'
import { withGitHub } from './world.ts'

const app = { clientId: 'x', clientSecret: 'a-value' }
const settings = (config: object) =>
  settingsOf(testContext({ plugin, config: { ...app, clientSecret: secretOf('v'), ...config } }).context)

describe('addresses', () => {
  for (const [url, api, issuer] of [
    ['https://github.com', 'https://api.github.com', 'https://github.com/login/oauth'],
    ['https://lab.ghe.com', 'https://api.lab.ghe.com', 'https://lab.ghe.com/login/oauth'],
    ['https://git.example.org/', 'https://git.example.org/api/v3', 'https://git.example.org/login/oauth'],
  ] as const)
    test(`${url} has its API at ${api}`, () => {
      assert.equal(settings({ url }).api, api)
      assert.equal(settings({ url }).issuer, issuer)
    })

  test('the API and the issuer can be said otherwise', () => {
    const { api, issuer } = settings({ apiUrl: 'https://api.example.org/', issuer: 'https://example.org/git' })
    assert.deepEqual([api, issuer], ['https://api.example.org', 'https://example.org/git'])
  })

  test('an older server’s callback is claimed and sent', async () => {
    const config = { ...app, callbackPath: '/login/github/authorized' }
    assert.deepEqual(plugin.callbackPaths?.(configOf(plugin, config)), ['/login/github/authorized'])
    const { begin } = signInWorld({ signIn: assert.fail }, { plugin, config })
    const { to } = await begin()
    assert.equal(to.searchParams.get('redirect_uri'), 'https://gate.example.test/login/github/authorized')
    assert.equal(`${to.origin}${to.pathname}`, 'https://github.com/login/oauth/authorize')
  })
})

describe('who may come in', () => {
  test('datalab’s three values of GITHUB_ORG_ALLOW_LIST: null is anyone, [] nobody, a list its members', () => {
    assert.deepEqual(settings({ githubOrgAllowList: null }).rule, { mode: 'anyone' })
    assert.deepEqual(settings({ githubOrgAllowList: [] }).rule, { mode: 'nobody' })
    assert.deepEqual(settings({ githubOrgAllowList: ['9919', 12, 'example-lab'] }).rule, {
      mode: 'organizations',
      organizations: [{ id: 9919 }, { id: 12 }, { name: 'example-lab' }],
      teams: [],
    })
    assert.deepEqual(settings({}).rule, { mode: 'anyone' })
  })

  test('datalab 1.7.8: nobody is nobody: no button, and no way past it', () =>
    withGitHub(async ({ instance, github }) => {
      for (const config of [{ githubOrgAllowList: [] }, { allow: { mode: 'nobody' } }]) {
        const { method, attempt } = instance(config)
        assert.ok('hidden' in method.card({ locale: 'en' }))
        const ask = {
          locale: 'en',
          clientName: undefined,
          loginHint: undefined,
          address: '',
          input: new URLSearchParams(),
        }
        const step = await method.begin(ask, attempt())
        assert.ok('no' in step && step.no.reason === 'not-allowed')
      }
      assert.deepEqual(github.requests, [])
    }))

  const wrong: readonly (readonly [string, { readonly [key: string]: Json }, RegExp])[] = [
    ['both spellings', { allow: { mode: 'anyone' }, githubOrgAllowList: null }, /not both/],
    ['no organisation at all', { allow: { mode: 'organizations' } }, /name some/],
    ['a list that would do nothing', { allow: { mode: 'anyone', organizations: [1] } }, /would do nothing/],
    ['groups of anybody’s teams', { teamGroups: {} }, /whose teams/],
  ]
  for (const [what, config, message] of wrong)
    test(`${what} stops the start`, () => {
      assert.throws(
        () => settings(config),
        (error: Fault) =>
          error.code === 'ERR_CONFIG' && message.test(error.message) && /plugins\.github/.test(error.message),
      )
    })

  test('an entry that is neither id nor name is refused by the schema', () => {
    for (const entry of [0, -1, 1.5, '', 'a/b', 'a b', '../user', null])
      assert.throws(
        () => configOf(plugin, { ...app, allow: { mode: 'organizations', organizations: [entry] } }),
        String(entry),
      )
    assert.throws(() => configOf(plugin, { ...app, allow: { mode: 'organizations', teams: ['a/../b'] } }))
    assert.throws(() => configOf(plugin, { ...app, allow: { mode: 'everybody' } }))
  })
})
