import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { chooseLocale, loadTexts } from '../../../core/pages/text.ts'

const available = ['en', 'de', 'pt-BR']

suite('chooseLocale()', () => {
  const cases: readonly (readonly [header: string | undefined, locale: string])[] = [
    [undefined, 'en'],
    ['', 'en'],
    ['*', 'en'],
    ['fr', 'en'],
    ['de', 'de'],
    ['DE-at;q=0.5', 'de'],
    ['fr, de;q=0.3, pt-br;q=0.9', 'pt-BR'],
    ['pt', 'en'],
    ['de;q=0, en', 'en'],
    [`${'x,'.repeat(10_000)}de`, 'en'],
    ['__proto__, de', 'de'],
  ]
  for (const [header, locale] of cases)
    test(`${header?.slice(0, 30)} gets ${locale} (RFC 4647 §3.4)`, () => {
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

  test('lists the languages and chooses among them', () => {
    assert.deepEqual(texts.locales.toSorted(), ['de', 'en'])
    assert.equal(texts.choose('fr, de'), 'de')
  })
})
