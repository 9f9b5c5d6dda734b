/** Paths as services read them: whatever a rule decides holds for each of these readers, or nothing is decided. */
import assert from 'node:assert/strict'
import { posix } from 'node:path'
import { describe, test } from 'node:test'
import { matched, readTarget } from '../../../plugins/authz-gateway/paths.ts'
import { type Demand, demandOf } from '../../../plugins/authz-gateway/rules.ts'
import fc from '../../support/chance.ts'

type Rules = Parameters<typeof demandOf>[0]

const rule = (path: string, more: Partial<Rules[number]> = {}): Rules[number] => ({
  ...{ path, allow: 'signed-in', verb: 'view' },
  ...more,
})

const rules: Rules = [
  rule('/public/**', { allow: 'public' }),
  rule('/admin/**', { groups: ['staff'] }),
  rule('/data/:dataset/raw/*', { dataset: ':dataset', verb: 'edit' }),
  rule('/data/:dataset/**', { dataset: ':dataset' }),
  rule('/api/**', { methods: ['GET', 'HEAD'] }),
  rule('/'),
]

const demand = (target: string, method = 'GET') => demandOf(rules, { method, target })
const numberOf = (target: string, method?: string) => {
  const found = demand(target, method)
  return found === 'ambiguous' ? found : found.rule
}

/** Services, each with its own mind; `undefined`: it refuses such a path. None of this is the code under test. */
const services: Readonly<Record<string, (path: string) => string | undefined>> = {
  'one that takes it as it is': (path) => path,
  'one that reads it as browsers do (WHATWG URL)': (path) => URL.parse(`http://x${path}`)?.pathname,
  'one that decodes what needed no encoding (RFC 3986 §6.2.2.2), then resolves dots': (path) =>
    posix.normalize(path.replaceAll(/%(?:2d|2e|5f|7e|3\d|[46][1-9a-f]|[57][\da])/gi, decodeURIComponent)),
  'nginx: decoded, slashes merged, dots resolved': (path) => posix.normalize(decodeURIComponent(path)),
  'Tomcat: parameters dropped, then decoded, then dots resolved': (path) =>
    posix.normalize(decodeURIComponent(path.replaceAll(/;[^/]*/g, ''))),
  'Windows: backslashes, capitals, dots at the end': (path) =>
    posix
      .normalize(decodeURIComponent(path).replaceAll('\\', '/'))
      .split('/')
      .map((step) => step.replace(/([^. ])[. ]+$/, '$1'))
      .join('/')
      .toLowerCase(),
  'one that decodes all but slashes, then resolves dots': (path) =>
    posix.normalize(
      path
        .split(/(%2f|%5c)/i)
        .map((one, at) => (at % 2 ? one : decodeURIComponent(one)))
        .join(''),
    ),
  'one that decodes twice': (path) => posix.normalize(decodeURIComponent(decodeURIComponent(path))),
  'one that takes an encoded question mark for one': (path) => decodeURIComponent(path).split('?')[0],
}

/** The first rule by the plainest possible match: steps between slashes, a slash at the end counts for nothing. */
function naive(path: string, method: string, small: boolean): Pick<Demand, 'rule' | 'dataset'> {
  const steps = path.replace(/\/$/, '').split('/').slice(1)
  for (const [index, one] of rules.entries()) {
    if (one.methods && !one.methods.includes(method)) continue
    const wanted = one.path.split('/').slice(1).filter(Boolean)
    const isOpen = wanted.at(-1) === '**'
    const fixed = isOpen ? wanted.slice(0, -1) : wanted
    if (isOpen ? steps.length < fixed.length : steps.length !== fixed.length) continue
    if (!fixed.every((want, at) => (/^[:*]/.test(want) ? steps[at] !== '' : want === steps[at]))) continue
    const at = fixed.indexOf(':dataset')
    return { rule: index, dataset: at < 0 || small ? undefined : steps[at] }
  }
  return { rule: -1, dataset: undefined }
}

const piece = fc.constantFrom(
  ...['/', '/', '/', '//', '.', '..', '%2e', '%2E%2e', '%2f', '%5c', '\\', ';', ';a=b', '%3b', '?', '%3f', '%23', '#'],
  ...['admin', 'ADMIN', 'Admin', '%61dmin', '%2561dmin', 'admin.', 'public', 'data', 'fish', 'Fish', 'raw', 'api', 'x'],
  ...['%252e', '%252f', '%25', '%', '%00', '%0a', '%7f', '%c0%ae', '%c3%a9', '%ef%bc%8e', '\u00e9', ' ', '%20', '\t'],
)

describe('the rule for a path', () => {
  test('is the same for every service that reads it, however it was written', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), fc.constantFrom('GET', 'POST'), (pieces, method) => {
        const target = `/${pieces.join('')}`
        const found = demand(target, method)
        if (found === 'ambiguous') return
        for (const [who, read] of Object.entries(services)) {
          const path = readBy(read, target.split('?')[0] ?? '')
          if (path === undefined) continue
          const wanted = naive(path, method, who.startsWith('Windows'))
          assert.equal(found.rule, wanted.rule, `${target} for ${who}: ${path}`)
          if (!who.startsWith('Windows')) assert.equal(found.dataset, wanted.dataset, `${target} for ${who}`)
        }
      }),
      { numRuns: 4000 },
    )
  })

  test('is found for what people really ask', () => {
    const asked: Readonly<Record<string, number>> = {
      '/': 5,
      '/?a=/../admin#': -2,
      '/?a=/../admin//;x%2f': 5,
      '/public': 0,
      '/public/': 0,
      '/public/a%20b/c.d~e': 0,
      '/public/Caf%C3%A9': 0,
      '/public/100%25': 0,
      '/admin/users/7': 1,
      '/data/fish/raw/1': 2,
      '/data/fish/raw/1/2': 3,
      '/data/fish': 3,
      '/data/': -1,
      '/api/x': 4,
      '/elsewhere': -1,
    }
    for (const [target, number] of Object.entries(asked))
      assert.equal(numberOf(target), number === -2 ? 'ambiguous' : number, target)
    assert.deepEqual((demand('/data/fish/raw/1') as Demand).dataset, 'fish')
    assert.equal(numberOf('/api/x', 'POST'), -1)
  })

  test('is not guessed where readers differ', () => {
    const traps = [
      ...[
        '/public/../admin',
        '/public/%2e%2e/admin',
        '/public/.%2E/admin',
        '/public%2f..%2fadmin',
        '/public/..;/admin',
      ],
      ...['/public/..%2fadmin', '/public/%252e%252e/admin', '/public\\..\\admin', '/public/..%5cadmin', '//admin'],
      ...[
        '/%61dmin',
        '/ADMIN',
        '/admin;x',
        '/admin%3bx',
        '/x/../admin',
        '/./admin',
        '/admin.',
        '/admin%20',
        '/admin%3fx',
      ],
      ...[
        '/ａdmin',
        '/%EF%BD%81dmin',
        '/data/fi%2fsh',
        '/data/..',
        '/data/x/../fish',
        '/data/%66ish',
        '/%2E%2e;a=b%2fraw',
        '/%25%2fFish/%2E%2e',
      ],
    ]
    for (const target of traps) assert.equal(numberOf(target), 'ambiguous', target)
  })

  test('is never decided for what is no path, or hides something', () => {
    const refused = [
      '',
      'x',
      '*',
      'http://x/',
      '/a#b',
      '/a%00',
      '/a%0d%0ab',
      '/a%7f',
      '/a%',
      '/a%zz',
      '/a%c0%ae',
      '/a b',
    ]
    for (const target of [...refused, `/${'a'.repeat(9000)}`]) assert.equal(numberOf(target), 'ambiguous', target)
    for (const method of ['get', 'GE T', '', 'X'.repeat(21)]) assert.equal(numberOf('/', method), 'ambiguous')
  })

  test('does not get in the way where one rule speaks of everything', () => {
    const one = [rule('/**')]
    for (const target of ['/a%2Fb', '/A//b;c', '/../x', '/a\\b', '/%252e'])
      assert.notEqual(demandOf(one, { method: 'GET', target }), 'ambiguous', target)
    assert.equal(demandOf(one, { method: 'GET', target: '/%00' }), 'ambiguous')
  })

  test('is found quickly, whatever is asked', () => {
    const many = Array.from({ length: 200 }, (_, index) => rule(`/a/*/b${index}/:x/**`))
    const hostile = [
      `/${'%252e%252e;/'.repeat(160)}`,
      `/${'A;.%2e//\\'.repeat(220)}`,
      `/${'.'.repeat(2000)}`,
      `/${'a/'.repeat(4000)}`,
    ]
    for (const target of hostile) {
      const started = performance.now()
      demandOf(many, { method: 'GET', target })
      assert.ok(performance.now() - started < 500, `${target.slice(0, 30)} took ${performance.now() - started} ms`)
    }
  })
})

test('a step with a name is no empty one, and `*` is one step', () => {
  const [reading] = readTarget('/data//x')?.readings ?? []
  assert.ok(reading)
  assert.equal(matched('/data/:dataset/x', reading), undefined)
  assert.equal(matched('/data/*/x', reading), undefined)
  assert.deepEqual(matched('/data/**', reading), {})
})

function readBy(read: (path: string) => string | undefined, path: string): string | undefined {
  try {
    return read(path)
  } catch {
    // Broken percent-encoding: this service answers 400.
    return undefined
  }
}
