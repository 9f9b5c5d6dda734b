import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Asker,
  type Item,
  type Permission,
  type PermissionAsk,
  permissionOf,
  publicUser,
} from '../../../plugins/authz-datalab/permission.ts'

const asker = (id: string, more: Partial<Asker> = {}): Asker => ({
  ...{ id, status: 'active', role: 'user', groups: [], managed: [] },
  ...more,
})
const item = (creators: readonly string[], more: Partial<Item> = {}): Item => ({
  ...{ type: 'samples', creators, groups: [], collections: [] },
  ...more,
})

/** Who, what, and the answers to read, write and delete. */
type Row = readonly [string, Asker | undefined, Item, readonly [Permission, Permission, Permission]]

const yes = 'allowed'
const no = 'refused'
const unknown = 'unauthenticated'
const ada = asker('ada')

const rows: readonly Row[] = [
  ['nobody, somebody’s item', undefined, item(['ada']), [no, unknown, unknown]],
  ['nobody, an item without creator', undefined, item([]), [yes, unknown, unknown]],
  ['nobody, a public item', undefined, item([publicUser]), [yes, unknown, unknown]],
  [
    'nobody, an item in a public collection',
    undefined,
    item(['ada'], { collections: [item([])] }),
    [yes, unknown, unknown],
  ],
  ['its creator', ada, item(['bo', 'ada']), [yes, yes, yes]],
  ['another one', ada, item(['bo']), [no, no, no]],
  ['an item without creator', ada, item([]), [yes, no, no]],
  ['who manages its creator', asker('ada', { managed: ['bo'] }), item(['bo']), [yes, yes, yes]],
  ['a manager of nobody', asker('ada', { role: 'manager' }), item(['bo']), [no, no, no]],
  ['a member of its group', asker('ada', { groups: ['g'] }), item(['bo'], { groups: ['g'] }), [yes, no, no]],
  ['a member of another group', asker('ada', { groups: ['h'] }), item(['bo'], { groups: ['g'] }), [no, no, no]],
  ['a collection of hers', ada, item(['bo'], { collections: [item(['ada'])] }), [yes, no, no]],
  [
    'a collection shared with her group',
    asker('ada', { groups: ['g'] }),
    item(['bo'], { collections: [item(['cy'], { groups: ['g'] })] }),
    [yes, no, no],
  ],
  ['a collection of somebody else', ada, item(['bo'], { collections: [item(['cy'])] }), [no, no, no]],
  ['a starting material', ada, item(['bo'], { type: 'starting_materials' }), [no, yes, no]],
  ['equipment', ada, item(['bo'], { type: 'equipment' }), [no, yes, no]],
  ['unverified, their own', asker('ada', { status: 'unverified' }), item(['ada']), [yes, unknown, unknown]],
  ['deactivated, their own', asker('ada', { status: 'deactivated' }), item(['ada']), [yes, unknown, unknown]],
  [
    'deactivated, equipment',
    asker('ada', { status: 'deactivated' }),
    item(['bo'], { type: 'equipment' }),
    [no, unknown, unknown],
  ],
  ['an admin', asker('ada', { role: 'admin' }), item(['bo']), [no, yes, yes]],
  [
    'an admin who is shut out',
    asker('ada', { role: 'admin', status: 'deactivated' }),
    item(['bo']),
    [no, unknown, unknown],
  ],
]
const acts = ['read', 'write', 'delete'] as const

describe('datalab’s permission rule', () => {
  for (const [what, who, one, answers] of rows)
    test(`${what}: ${answers.join(', ')}`, () => {
      for (const [index, act] of acts.entries())
        assert.equal(permissionOf({ asker: who, item: one, act, sudo: false, itemToken: 'none' }), answers[index], act)
    })

  test('sudo opens everything to an active admin who reads, and nothing to anybody else', () => {
    const ask = { item: item(['bo']), act: 'read', sudo: true, itemToken: 'none' } as const
    const by = (more: Partial<Asker>) => permissionOf({ ...ask, asker: asker('ada', more) })
    assert.equal(by({ role: 'admin' }), yes)
    for (const more of [{}, { role: 'manager' }, { role: 'admin', status: 'deactivated' }] as const)
      assert.equal(by(more), no)
    assert.equal(permissionOf({ ...ask, asker: undefined }), no)
  })

  test('a token of an item lets read it alone; a wrong one refuses even its creator', () => {
    const ask = (more: Partial<PermissionAsk>) =>
      permissionOf({
        ...{ asker: undefined, item: item(['bo']), act: 'read', sudo: false, itemToken: 'valid' },
        ...more,
      })
    assert.equal(ask({}), yes)
    assert.equal(ask({ asker: ada }), yes)
    assert.deepEqual([ask({ act: 'write' }), ask({ act: 'delete', asker: ada })], [unknown, no])
    for (const who of [undefined, asker('bo'), asker('root', { role: 'admin' })])
      assert.equal(ask({ asker: who, itemToken: 'wrong', sudo: true }), unknown)
  })
})
