import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { conditionHolds } from '../../../plugins/authz-ngauth/condition.ts'
import { maySee, readPolicy } from '../../../plugins/authz-ngauth/policy.ts'
import fc from '../../support/chance.ts'

const now = new Date('2026-03-04T10:30:00Z')
const ask = { emails: ['ada@lab.example'], bucket: 'b', under: 'fish', now }
const viewer = 'roles/storage.objectViewer'
const sees = (...bindings: unknown[]) => maySee(readPolicy({ bindings }), ask)
const holds = (expression: string, under = 'fish') => conditionHolds(expression, { bucket: 'b', under, now })
const objects = 'projects/_/buckets/b/objects/'

describe('the policy of a bucket', () => {
  test('names people by address, by domain, or everybody', () => {
    for (const member of ['user:ada@lab.example', 'user:Ada@LAB.example', 'domain:lab.example'])
      assert.ok(sees({ role: viewer, members: ['user:eve@else.example', member] }), member)
    for (const member of ['allUsers', 'allAuthenticatedUsers']) assert.ok(sees({ role: viewer, members: [member] }))
  })

  test('that names others, groups, deleted people or convenience members names nobody of ours', () => {
    for (const member of [
      'user:eve@lab.example',
      'user:ada@lab.example.evil.example',
      'domain:example',
      'domain:sub.lab.example',
      'group:ada@lab.example',
      'serviceAccount:ada@lab.example',
      'deleted:user:ada@lab.example?uid=1',
      'projectViewer:lab',
      'ada@lab.example',
      '',
    ])
      assert.equal(sees({ role: viewer, members: [member] }), false, member)
    assert.equal(
      maySee(readPolicy({ bindings: [{ role: viewer, members: ['user:', 'domain:'] }] }), { ...ask, emails: [] }),
      false,
    )
  })

  test('gives by roles that read objects, and by no other', () => {
    for (const role of [
      'objectViewer',
      'objectUser',
      'objectAdmin',
      'admin',
      'legacyObjectReader',
      'legacyObjectOwner',
    ])
      assert.ok(sees({ role: `roles/storage.${role}`, members: ['allUsers'] }), role)
    for (const role of [
      'roles/storage.objectCreator',
      'roles/storage.legacyBucketReader',
      'roles/storage.legacyBucketWriter',
      'projects/lab/roles/objectViewer',
      'roles/viewer',
      'roles/storage.objectviewer',
    ])
      assert.equal(sees({ role, members: ['allUsers'] }), false, role)
  })

  test('that is not understood gives nothing, and never throws', () => {
    const broken: unknown[] = [null, 1, 'x', {}, { role: viewer }, { role: viewer, members: 'allUsers' }]
    assert.equal(sees(...broken, { role: viewer, members: [1, null] }), false)
    for (const condition of [1, {}, { expression: 1 }, { title: 'x' }, { expression: '' }, { expression: 'true' }])
      assert.equal(sees({ role: viewer, members: ['allUsers'], condition }), false, JSON.stringify(condition))
    assert.ok(sees({ role: viewer, members: ['allUsers'], condition: null }))
    for (const bindings of [undefined, null, 'x', {}]) assert.deepEqual(readPolicy({ bindings }), { bindings: [] })
  })

  test('with a condition counts where that holds, beside others that do not', () => {
    const bound = (expression: string) => ({
      role: viewer,
      members: ['user:ada@lab.example'],
      condition: { expression },
    })
    const mine = bound(`resource.name.startsWith("${objects}fish/")`)
    assert.ok(sees(mine))
    assert.equal(sees(bound(`resource.name.startsWith("${objects}mouse/")`)), false)
    assert.ok(sees(bound('unknown()'), mine))
  })
})

describe('a condition', () => {
  test('on the name holds where it covers everything below the prefix', () => {
    for (const [prefix, under, held] of [
      [objects, 'fish', true],
      [`${objects}fish`, 'fish', true],
      [`${objects}fish/`, 'fish', true],
      [`${objects}fish/`, 'fish/v1', true],
      [`${objects}fish/v1/`, 'fish', false],
      [`${objects}fish/`, '', false],
      [objects, '', true],
      ['projects/_/buckets/other/', 'fish', false],
      [`${objects}fishy`, 'fish', false],
    ] as const)
      for (const quote of ['"', "'"])
        assert.equal(holds(`resource.name.startsWith(${quote}${prefix}${quote})`, under), held, `${prefix} ${under}`)
    assert.equal(holds(`resource.name == "${objects}fish/info"`), false)
    assert.ok(holds(`resource.name != "${objects}mouse/info"`))
    assert.equal(holds(`resource.name != "${objects}fish/info"`), false, 'for one of them it does not')
  })

  test('on type, service and time', () => {
    assert.ok(holds('resource.type == "storage.googleapis.com/Object"'))
    assert.equal(holds('resource.type == "storage.googleapis.com/Bucket"'), false)
    assert.ok(holds('resource.service == "storage.googleapis.com" && resource.type != "storage.googleapis.com/Bucket"'))
    assert.ok(holds('request.time < timestamp("2026-03-04T10:30:01Z")'))
    assert.equal(holds('request.time < timestamp("2026-03-04T10:30:00Z")'), false)
    assert.ok(holds('request.time <= timestamp("2026-03-04T10:30:00Z")'))
    assert.ok(holds("request.time > timestamp('2026-03-04T10:29:59.000+00:00')"))
    assert.equal(holds('request.time >= timestamp("2027-01-01T00:00:00Z")'), false)
    for (const odd of ['', 'x', '2026', 'March 4, 2099'])
      for (const expression of [`request.time < timestamp("${odd}")`, `!(request.time < timestamp("${odd}"))`])
        assert.equal(holds(expression), false, expression)
  })

  test('with signs: and before or, brackets, not', () => {
    const [yes, no] = ['resource.type != "x"', 'resource.type == "x"']
    const some = `resource.name.startsWith("${objects}fish/v1")`
    for (const [expression, held] of [
      [`${no} && ${no} || ${yes}`, true],
      [`${no} && (${no} || ${yes})`, false],
      [`!(${no})`, true],
      [`!${no} && !!(${yes})`, true],
      [`${some} || ${yes}`, true],
      [`${some} && ${yes}`, false],
      [`!(${some})`, false],
      [`${some} || ${no}`, false],
    ] as const)
      assert.equal(holds(expression), held, expression)
  })

  test('that is not known never holds, not even denied or beside one that does', () => {
    const yes = 'resource.type != "x"'
    for (const odd of [
      'true',
      'resource.name.endsWith("x")',
      'resource.name.extract("{x}") == "a"',
      'resource.matchTag("a/b", "c")',
      'request.auth.claims.sub == "x"',
      'api.getAttribute("storage.googleapis.com/objectListPrefix", "").startsWith("x")',
      'resource.name.startsWith("a" + "b")',
      'resource.name.startsWith("a\\n")',
      'resource.name.startsWith(r"a")',
      `${yes} ? ${yes} : ${yes}`,
      `${yes} // && false`,
    ])
      for (const expression of [odd, `!(${odd})`, `${odd} || ${yes}`, `${yes} || ${odd}`])
        assert.equal(holds(expression), false, expression)
    for (const broken of [
      '',
      ' ',
      '(',
      ')',
      `(${yes}`,
      `${yes})`,
      `${yes} &&`,
      `&& ${yes}`,
      `${yes} ${yes}`,
      '!',
      '()',
    ])
      assert.equal(holds(broken), false, broken)
    assert.equal(holds(`${'('.repeat(3000)}${yes}${')'.repeat(3000)}`), false)
    assert.ok(holds(`${'('.repeat(500)}${yes}${')'.repeat(500)}`))
  })

  test('of any text is answered without a throw', () => {
    const word = fc.constantFrom(
      '!',
      '(',
      ')',
      '&&',
      '||',
      '"',
      "'",
      '\\',
      'resource.name',
      '==',
      'timestamp(',
      'x',
      ' ',
    )
    fc.assert(fc.property(fc.array(word, { maxLength: 30 }), (words) => typeof holds(words.join('')) === 'boolean'))
  })
})
