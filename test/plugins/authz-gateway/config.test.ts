/** Rules that cannot mean what they say, and identities that do not fit into a header. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AccountView, isFault, secretOf } from '@labgate/contract'
import { identityHeaders } from '../../../plugins/authz-gateway/identity.ts'
import { isKey } from '../../../plugins/authz-gateway/keys.ts'
import { checkRules } from '../../../plugins/authz-gateway/rules.ts'
import fc from '../../support/chance.ts'

type Config = Parameters<typeof checkRules>[0]
const rule = (more: Partial<Config['rules'][number]>) =>
  ({ path: '/**', allow: 'signed-in', verb: 'view', ...more }) as const

const names = {
  ...{ user: 'X-Labgate-User', username: 'X-Labgate-Username', email: 'X-Labgate-Email', name: 'X-Labgate-Name' },
  ...{ groups: 'X-Labgate-Groups', kind: '' },
}

function checked(rules: Config['rules'], more: Partial<Config> = {}): string {
  const config: Config = { rules, headers: names, origins: [], scope: 'gateway', tokenHeader: 'Authorization', ...more }
  try {
    checkRules(config)
    return ''
  } catch (error) {
    assert.ok(isFault(error) && error.code === 'ERR_CONFIG')
    return error.message
  }
}

test('rules that mean something are taken', () => {
  const good = [
    rule({ path: '/a/:dataset/**', dataset: ':dataset', version: 'v1', methods: ['GET'] }),
    rule({ methods: ['OPTIONS'], allow: 'public' }),
    rule({ path: '/open/:dataset', dataset: ':dataset', allow: 'public' }),
    rule({ groups: ['staff'], dataset: 'fish' }),
  ]
  assert.equal(checked(good), '')
})

test('rules that cannot mean what they say stop the start, all at once', () => {
  const said = checked([
    rule({ allow: 'public', groups: ['staff'] }),
    rule({ path: '/x', allow: 'nobody', dataset: 'fish' }),
    rule({ path: '/:dataset', dataset: ':data' }),
    rule({ path: '/:a/:a', version: 'v1' }),
  ])
  for (const wanted of [
    'rules[0] is for everybody and for `groups` alone',
    'rules[1] is for nobody and for somebody',
    'rules[1] is never reached: rules[0] speaks of every path',
    'rules[2] names `:data`, which `path` lacks',
    'rules[3] uses a name twice in `path`',
    'rules[3] has a `version` without a `dataset`',
  ])
    assert.ok(said.includes(wanted), `${wanted}\nin ${said}`)
})

test('a key without a secret of the proxy stops the start', () => {
  const key = { header: 'DATALAB-API-KEY', help: '', keep: 60 }
  assert.match(checked([rule({})], { key }), /`key` needs `proxySecret`/)
})

test('one header for two things, or one that has a meaning already, stops the start', () => {
  const twice = checked([rule({})], { headers: { ...names, user: 'Remote-User', name: 'remote-user' } })
  assert.match(twice, /the header `remote-user` would carry two things/)
  const key = { header: 'X-LABGATE-EMAIL', help: '', keep: 60 }
  assert.match(checked([rule({})], { key, proxySecret: secretOf('x') }), /`x-labgate-email` would carry two things/)
  for (const user of ['Cookie', 'Authorization', 'X-Labgate-Cookie', 'Content-Length', 'Set-Cookie'])
    assert.match(checked([rule({})], { headers: { ...names, user } }), /has a meaning of its own/, user)
  const own = { header: 'Authorization', help: '', keep: 60 }
  assert.equal(checked([rule({})], { key: own, proxySecret: secretOf('x') }), '')
})

const account = (more: Partial<AccountView>): AccountView => ({
  ...{
    id: 'a1',
    numericId: 1,
    state: 'active',
    role: 'user',
    username: 'ada',
    displayName: 'Ada',
    email: 'ada@example.org',
  },
  ...{ emailVerified: true, groups: [], kind: 'person', parent: undefined },
  // What an account has besides does not matter here.
  ...(more as AccountView),
})
const headersOf = (more: Partial<AccountView>) => identityHeaders(names, { account: account(more), kind: 'person' })

test('an address that is not verified, a name without a header and an account that may not act are not told', () => {
  assert.equal(headersOf({ emailVerified: false })['X-Labgate-Email'], undefined)
  assert.ok(!Object.keys(headersOf({})).includes(''))
  for (const state of ['pending', 'deactivated'] as const) assert.deepEqual(headersOf({ state }), {})
})

test('whatever people are called, a header holds it, ends where it ends, and can be read back', () => {
  assert.equal(headersOf({ displayName: 'Åsa 100% 神経' })['X-Labgate-Name'], '%C3%85sa 100%25 %E7%A5%9E%E7%B5%8C')
  assert.equal(headersOf({ groups: ['github:a,b', 'c'] })['X-Labgate-Groups'], 'github:a%2Cb,c')
  assert.equal(headersOf({ displayName: 'x\r\nX-Labgate-User: evil' })['X-Labgate-Name'], 'x%0D%0AX-Labgate-User: evil')
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary' }),
      fc.array(fc.string({ unit: 'grapheme', minLength: 1 })),
      (name, groups) => {
        const told = headersOf({ displayName: name, groups })
        for (const value of Object.values(told)) assert.match(value, /^[\x20-\x7e]+$/)
        assert.equal(decodeURIComponent(told['X-Labgate-Name'] ?? ''), name.toWellFormed().trim())
        const read = (told['X-Labgate-Groups'] ?? '').split(',').map(decodeURIComponent)
        const wanted = groups.map((group) => group.toWellFormed().trim()).filter((group) => group !== '')
        assert.deepEqual(read, wanted.length === 0 ? [''] : wanted)
      },
    ),
  )
})

test('a key is what a header can carry', () => {
  for (const good of ['a', 'Aa0-_.~+/=', 'x'.repeat(1024)]) assert.ok(isKey(good))
  for (const bad of ['', ' ', 'a b', 'a\r\nb', 'a\u0000', 'é', 'x'.repeat(1025)])
    assert.ok(!isKey(bad), JSON.stringify(bad))
})
