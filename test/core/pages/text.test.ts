import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { chooseLocale, loadTexts } from '../../../core/pages/text.ts'
import { root } from '../../support/sources.ts'

const available = ['en', 'de', 'pt-BR']

suite('chooseLocale()', () => {
  const cases: readonly (readonly [header: string | undefined, locale: string | undefined])[] = [
    [undefined, undefined],
    ['', undefined],
    ['*', undefined],
    ['fr', undefined],
    ['de', 'de'],
    ['DE-at;q=0.5', 'de'],
    ['fr, de;q=0.3, pt-br;q=0.9', 'pt-BR'],
    ['pt', undefined],
    ['de;q=0, en', 'en'],
    [`${'x,'.repeat(10_000)}de`, undefined],
    ['__proto__, de', 'de'],
  ]
  for (const [header, locale] of cases)
    test(`${header?.slice(0, 30)} gets ${locale ?? 'the site’s language'} (RFC 4647 §3.4)`, () => {
      assert.equal(chooseLocale(header, available), locale)
    })
})

suite('loadTexts()', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-texts-'))
  const own = await mkdtemp(join(tmpdir(), 'labgate-texts-'))
  const texts = await (async () => {
    await writeFile(join(folder, 'en.json'), '{ "a": { "b": "Hello {name}, {other}", "c": "See" } }')
    await writeFile(join(folder, 'de.json'), '{ "a": { "b": "Hallo {name}" } }')
    await writeFile(join(own, 'de.json'), '{ "a": { "b": "Moin {name}" } }')
    await writeFile(join(own, 'notes.txt'), 'not a language')
    const many = '{n, plural, one {# day} other {# days}}'
    await writeFile(join(own, 'en.json'), JSON.stringify({ p: `in ${many}`, n: '{n} in all' }))
    await writeFile(join(own, 'pl.json'), '{ "p": "{n, plural, one {# dzień} few {# dni} other {# dnia}}" }')
    return loadTexts([folder, own, join(own, 'not-there')])
  })().finally(async () => {
    await rm(folder, { recursive: true })
    await rm(own, { recursive: true })
  })

  test('fills places and leaves unknown ones alone', () => {
    assert.equal(texts.in('en')('a.b', { name: 'Ada' }), 'Hello Ada, {other}')
  })

  test('does not take places from an object’s prototype', () => {
    assert.equal(texts.in('en')('a.b', { name: '{toString}' }), 'Hello {toString}, {other}')
    assert.equal(texts.in('de')('a.b', {}), 'Moin {name}')
  })

  test('a later folder wins, key by key, and English fills the gaps', () => {
    assert.equal(texts.in('de')('a.b', { name: 'Ada' }), 'Moin Ada')
    assert.equal(texts.in('de')('a.c'), 'See')
  })

  test('an unknown language gets English', () => {
    assert.equal(texts.in('fr')('a.c'), 'See')
    assert.equal(texts.in('fr').locale, 'en')
  })

  test('an unknown key is a programmer’s mistake; find() answers undefined', () => {
    assert.throws(() => texts.in('en')('a.x'), TypeError)
    assert.equal(texts.in('en').find('a.x'), undefined)
  })

  test('chooses by number as the language counts, and writes numbers as it does', () => {
    const say = (locale: string, n: number | string) => texts.in(locale)('p', { n })
    assert.deepEqual(
      [say('en', 1), say('en', '1'), say('en', 0), say('en', 1234)],
      [...['in 1 day', 'in 1 day', 'in 0 days', 'in 1,234 days']],
    )
    assert.deepEqual(
      [1, 3, 0.5].map((n) => say('pl', n)),
      ['1 dzień', '3 dni', '0,5 dnia'],
    )
    assert.equal(say('de', 1), 'in 1 day', 'English words are counted as English does')
    assert.equal(texts.in('de')('n', { n: 1234 }), '1,234 in all')
    assert.equal(texts.in('en')('p', {}), 'in {n, plural, one {# day} other {# days}}')
    assert.equal(texts.in('en')('n', { n: '2026' }), '2026 in all', 'a text is left as it is')
  })

  test('who asks for nothing that is there gets the site’s language, which must be there', async () => {
    const folder = join(root, 'core/pages/texts')
    assert.equal(loadTexts([folder], 'de').choose('fr'), 'de')
    assert.equal(loadTexts([folder], 'de').choose('en-GB, fr'), 'en')
    assert.throws(() => loadTexts([folder], 'fr'), /language: there are no texts in fr; there are .*de/)
  })

  test('lists the languages and chooses among them', () => {
    assert.deepEqual(texts.locales.toSorted(), ['de', 'en', 'pl'])
    assert.equal(texts.choose('fr, de'), 'de')
  })
})
