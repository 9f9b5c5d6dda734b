/** Every language that we bring says the same as English, place by place. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { root } from '../../support/sources.ts'

type Tree = { readonly [key: string]: string | Tree }
const folder = join(root, 'core/pages/texts')

const flat = (tree: Tree, prefix = ''): [string, string][] =>
  Object.entries(tree).flatMap(([key, value]) =>
    typeof value === 'string' ? [[prefix + key, value] as [string, string]] : flat(value, `${prefix}${key}.`),
  )
const read = (file: string) => new Map(flat(JSON.parse(readFileSync(join(folder, file), 'utf8')) as Tree))

const english = read('en.json')
const others = readdirSync(folder).filter((file) => file !== 'en.json')

/** Names of the places of a text, those that count with a `#`. */
const places = (text: string) =>
  [...text.matchAll(/\{(\w+)(, plural,)?/g)]
    .filter(([, , counts], index, all) => counts !== undefined || !insidePlural(text, all[index]?.index ?? 0))
    .map(([, name, counts]) => name + (counts ? '#' : ''))
    .toSorted()

/** Whether a brace opens a case of a plural: `one {# day}`. */
const insidePlural = (text: string, at: number) => /(zero|one|two|few|many|other) $/.test(text.slice(0, at))

/** Words that are the same in both languages: names, and what a field calls so. */
const same = /^(Name|ORCID iD|Code|Manager|\{what\}: \{value\}|CPUs|GPUs|Tokens?|Runner|Person|–|Version|Text|Link)$/

test('German is among our languages', () => assert.ok(others.includes('de.json')))

for (const file of others) {
  suite(file, () => {
    const own = read(file)
    const pairs = [...english].map(([key, text]) => ({ key, text, said: own.get(key) ?? '' }))

    test('has every key and no other', () => {
      assert.deepEqual([...own.keys()].toSorted(), [...english.keys()].toSorted())
    })

    test('has the places of the English text, no more and no fewer', () => {
      for (const { key, text, said } of pairs) assert.deepEqual(places(said), places(text), key)
    })

    test('counts with the cases that the language has, `other` among them', () => {
      const cases = new Intl.PluralRules(file.slice(0, -5)).resolvedOptions().pluralCategories
      for (const { key, said } of pairs)
        for (const [, , body = ''] of said.matchAll(/\{(\w+), plural, ((?:\w+ \{[^{}]*\} ?)+)\}/g)) {
          const named = [...body.matchAll(/(\w+) \{/g)].map(([, name]) => name)
          assert.deepEqual(named.toSorted(), [...cases].toSorted(), key)
        }
    })

    test('says everything in its own words', () => {
      const left = pairs.filter(({ text, said }) => text === said && !same.test(text)).map(({ key }) => key)
      assert.deepEqual(left, [])
    })

    test('has no markup, no stray blanks, and its quotation marks in pairs', () => {
      for (const { key, text, said } of pairs) {
        assert.doesNotMatch(said, /<|&\w+;|^\s|\s$| {2}|["']/, key)
        assert.equal(said.split('„').length, said.split('“').length, key)
        assert.equal(said.split('\n').length, text.split('\n').length, `${key}: as many lines`)
      }
    })
  })
}
