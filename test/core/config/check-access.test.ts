import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFault } from '@labgate/contract'
import { checkConfig, type Known } from '../../../core/config/check.ts'
import { parseConfig } from '../../../core/config/load.ts'
import { pathText } from '../../../core/config/problems.ts'
import type { Config } from '../../../core/config/schema.ts'

const base = {
  issuer: 'https://id.example.org',
  keys: [{ env: 'KEY' }],
  mail: { from: { address: 'a@example.org' }, outbox: 'out' },
  plugins: { email: { use: 'x' }, ngauth: { use: 'y' } },
  datasets: { fish2: { versions: { v1: {}, v2: {} }, tables: [{ namespace: 'pcg', name: 'fish_v1' }] } },
  groups: { imaging: {} },
  terms: { dua: { title: 'T', text: { markdown: 'x' }, dataset: 'fish2' } },
}

function load(config: object): Config {
  return parseConfig(JSON.stringify({ ...base, ...config }), { name: 'x.yaml', env: { KEY: 'k' } }).config
}

/** What is wrong, one a line, without the name of the file. */
function wrong(config: object): string[] {
  try {
    load(config)
    return []
  } catch (error) {
    assert.ok(isFault(error) && error.code === 'ERR_CONFIG', String(error))
    return error.message.split('\n').map((line) => line.replace(/^x\.yaml:\d+:\d+: /, ''))
  }
}

const grant = (more: object) => wrong({ grants: [{ to: 'anyone', dataset: 'fish2', level: 'view', ...more }] })

test('a whole ledger in the config has no mistakes', () => {
  const config = {
    groups: { imaging: { members: ['email:a@b.org', 'account:bot'], managers: ['email:a@b.org'] } },
    grants: [
      { to: 'group:imaging', dataset: 'fish2', level: 'edit', withinGroup: 'imaging' },
      { to: 'group:email:someone', dataset: 'fish2', level: 'view' },
      { to: 'name:email:a@b.org', dataset: 'fish2', version: 'v1', permission: 'download', terms: { id: 'dua' } },
      { to: 'signed-in', dataset: 'fish2', level: 'view', from: '2027-01-01', until: '2027-01-01' },
      { to: 'account:alice', dataset: 'fish2', level: 'admin', facts: [{ claim: 'orcid', via: 'email', equals: 1 }] },
    ],
    serviceAccounts: { bot: { parent: 'alice' } },
  }
  assert.deepEqual(wrong(config), [])
  const known: Known = { kinds: { email: 'auth', ngauth: 'authz' }, scopes: [], grantTypes: [] }
  assert.deepEqual(checkConfig(load(config), known), [])
})

test('what a grant names must be there, and the nearest word is offered', () => {
  assert.deepEqual(grant({ dataset: 'fish' }), ['grants[0].dataset: there is no dataset `fish`; did you mean `fish2`?'])
  assert.deepEqual(grant({ version: 'v3' }), [
    'grants[0].version: there is no version of fish2 `v3`; did you mean `v1`?',
  ])
  assert.deepEqual(grant({ to: 'group:imagign' }), [
    'grants[0].to: there is no group `imagign`; did you mean `imaging`?',
  ])
  assert.deepEqual(grant({ to: 'name:emial:a@b.org' }), [
    'grants[0].to: there is no plugin `emial`; did you mean `email`?',
  ])
  assert.deepEqual(grant({ to: 'group:emial:x' }), ['grants[0].to: there is no plugin `emial`; did you mean `email`?'])
  assert.deepEqual(grant({ terms: { id: 'dau' } }), [
    'grants[0].terms.id: there is no document `dau`; did you mean `dua`?',
  ])
  assert.deepEqual(grant({ withinGroup: 'other' }), ['grants[0].withinGroup: there is no group `other`'])
  assert.deepEqual(grant({ facts: [{ claim: 'orcid', via: 'nowhere' }] }), [
    'grants[0].facts[0].via: there is no plugin `nowhere`',
  ])
})

test('names that every object has are no datasets, groups or plugins', () => {
  assert.deepEqual(grant({ dataset: 'constructor' }), ['grants[0].dataset: there is no dataset `constructor`'])
  assert.deepEqual(grant({ to: 'group:constructor' }), ['grants[0].to: there is no group `constructor`'])
  assert.deepEqual(grant({ to: 'name:constructor:x' }), ['grants[0].to: there is no plugin `constructor`'])
})

test('a grant has exactly one of level and permission, and a permission is no level', () => {
  assert.match(grant({ permission: 'download' }).join(), /^grants\[0\]: a line has exactly one of/)
  assert.match(grant({ level: undefined }).join(), /^grants\[0\]: a line has exactly one of/)
  assert.match(grant({ level: undefined, permission: 'edit' }).join(), /grants\[0\]\.permission: is a level/)
})

test('a grant that never counts is refused', () => {
  assert.match(grant({ from: '2027-02-01', until: '2027-01-31' }).join(), /until: is before `from`/)
  assert.match(grant({ from: '2027-02-01T10:00:00Z', until: '2027-02-01T10:00:00Z' }).join(), /until: is before `from`/)
  assert.match(grant({ until: '2027-02-30' }).join(), /until: must be a date such as/)
  assert.match(grant({ from: 'tomorrow' }).join(), /from: must be a date such as/)
})

test('subjects, members and object ids have a form', () => {
  assert.match(grant({ to: 'everyone' }).join(), /must be group:SLUG, signed-in, anyone/)
  assert.match(grant({ to: 'name:a@b.org' }).join(), /must be group:SLUG, signed-in, anyone/)
  assert.match(wrong({ groups: { imaging: { members: ['alice'] } } }).join(), /groups\.imaging\.members\[0\]: must be/)
  const roots = (...ids: unknown[]) =>
    wrong({
      datasets: {
        fish2: {
          tables: [{ namespace: 'pcg', name: 'f' }],
          publicRoots: [{ namespace: 'pcg', name: 'f', roots: ids }],
          versions: { v1: {} },
        },
      },
    })
  assert.deepEqual(roots('18446744073709551615', '0'), [])
  assert.match(roots('18446744073709551616').join(), /must be an unsigned 64-bit integer/)
  assert.match(roots(7).join(), /must be a string, got 7/)
})

test('a fact is compared in one way', () => {
  assert.match(grant({ facts: [{ claim: 'a', equals: 1, contains: 1 }] }).join(), /has more than one of equals/)
})

test('two datasets share no name and no table', () => {
  const table = { namespace: 'pcg', name: 'f' }
  const datasets = {
    fish2: { versions: { v1: {} }, aliases: ['fish3', 'a'], tables: [table, table] },
    fish3: { aliases: ['a'], tables: [table] },
  }
  assert.deepEqual(wrong({ datasets }), [
    'datasets.fish2.aliases[0]: is a name of fish3 already',
    'datasets.fish2.tables[1]: is a table of fish2 already',
    'datasets.fish3.aliases[0]: is a name of fish2 already',
    'datasets.fish3.tables[0]: is a table of fish2 already',
  ])
})

test('public objects are of a table of their dataset', () => {
  const publicRoots = [{ namespace: 'pcg', name: 'other', roots: ['1'] }]
  assert.match(wrong({ datasets: { fish2: { publicRoots } } }).join(), /publicRoots\[0\]: is not among the `tables`/)
})

test('terms have one text, and a place that is there', () => {
  const terms = (more: object) => wrong({ terms: { dua: { title: 'T', text: { markdown: 'x' }, ...more } } })
  assert.match(terms({ text: {} }).join(), /terms\.dua\.text: exactly one of/)
  assert.match(terms({ text: { file: 'a', markdown: 'b' } }).join(), /terms\.dua\.text: exactly one of/)
  assert.match(terms({ version: 'v1' }).join(), /terms\.dua\.version: needs a `dataset`/)
  assert.match(terms({ dataset: 'fish2', version: 'v9' }).join(), /there is no version of fish2 `v9`/)
})

test('a token cannot live longer than the longest life, nor a program be its own parent', () => {
  assert.match(wrong({ access: { tokenLife: '400d' } }).join(), /access\.tokenLife: is longer/)
  assert.match(wrong({ serviceAccounts: { bot: { parent: 'bot' } } }).join(), /cannot be the account itself/)
})

test('mistakes are told with line and column', () => {
  const text = 'issuer: https://a.b\ngrants:\n  - to: anyone\n    dataset: fish\n    level: view\n'
  assert.throws(
    () => parseConfig(text, { name: 'x.yaml', env: {} }),
    /^Fault: x\.yaml:4:14: grants\[0\]\.dataset: there is no dataset/,
  )
})

test('a name of somebody is judged by the sign-in it names', () => {
  const known: Known = { kinds: { email: 'auth', ngauth: 'authz' }, scopes: [], grantTypes: [] }
  const found = checkConfig(
    load({
      groups: { imaging: { members: ['ngauth:x'] } },
      grants: [{ to: 'name:ngauth:x', dataset: 'fish2', level: 'view' }],
    }),
    known,
  )
  assert.deepEqual(
    found.map(({ level, path }) => `${level} ${pathText(path)}`),
    ['error groups.imaging.members[0]', 'error grants[0].to'],
  )
})

test('terms that ask nobody are doubtful, and so are services that are not there', () => {
  const found = checkConfig(
    load({
      terms: {
        dua: { title: 'T', text: { markdown: 'x' } },
        wiki: { title: 'W', text: { markdown: 'x' }, services: ['ngaut'] },
      },
    }),
  )
  assert.deepEqual(
    found.map(({ level, path, message }) => `${level} ${pathText(path)}: ${message}`),
    [
      'warning terms.dua: nobody is asked for these: they have neither `dataset` nor `services`',
      'warning terms.wiki.services[0]: neither a client nor a plugin of this file; did you mean `ngauth`?',
    ],
  )
})
