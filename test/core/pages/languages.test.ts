/** Every language that we bring says the same as English, place by place. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { faults } from '../../../core/contract/errors.ts'
import { loadTexts } from '../../../core/pages/text.ts'
import { englishOn } from '../../support/english.ts'
import { galleryData, renderSample, samplePages } from '../../support/gallery.ts'
import { filesOf, root } from '../../support/sources.ts'

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
const same =
  /^(Name|ORCID iD|Code|Manager|\{what\}: \{value\}|CPUs|GPUs|Tokens?|Clients?|Runner|Person|–|Version|Text|Link|in \{time\})$/

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

/** Rooms whose faults only operators and programs read; the admin API answers in English. */
const notForPeople =
  /^core\/(api|cli|config|contract|import|registry|storage)\/|jobs\.ts$|oidc\/(clients|keys|registrations)\.ts$|token-face\.ts$/

/** Messages of faults that are shown to people, with numbers for their places. */
function shownMessages(): readonly string[] {
  const files = filesOf(['core/**/*.ts']).filter((file) => !notForPeople.test(file))
  const found = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    return [...text.matchAll(/new Fault\(\s*'(ERR_\w+)',\s*(?:'((?:[^'\\]|\\.)*)'|`([^`]*)`)/g)]
      .filter(([, code = '']) => faults[code as keyof typeof faults]?.shown)
      .map(([, , plain, template]) => plain ?? numbered(template ?? ''))
  })
  return [...new Set(found)].filter((message) => /[a-z]{3}/i.test(message))
}

function numbered(template: string): string {
  let place = 0
  // One level of braces within is enough for what our messages hold.
  return template.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, () => `{${place++}}`)
}

for (const file of readdirSync(join(folder, '..', 'messages'))) {
  suite(`messages of faults, ${file}`, () => {
    const said = JSON.parse(readFileSync(join(folder, '..', 'messages', file), 'utf8')) as Record<string, string>
    const t = loadTexts([folder]).in(file.slice(0, -5))

    test('every message that a person may read is there', () => {
      assert.deepEqual(
        shownMessages().filter((message) => !Object.hasOwn(said, message)),
        [],
      )
    })

    test('none is there that nobody says, and each keeps its places', () => {
      const all = filesOf(['core/**/*.ts'])
        .map((path) => readFileSync(join(root, path), 'utf8'))
        .join('\n')
      for (const [english, words] of Object.entries(said)) {
        const parts = english.split(/\{\d\}/).toSorted((a, b) => b.length - a.length)
        const [longest = '', second = ''] = parts
        const isSaid = all.includes(longest) || (second.length > 8 && all.includes(second))
        // The verb is put in by the ledger.
        const isAnswer = english.startsWith('You may ') && all.includes('You may $' + '{verbWords(')
        assert.ok(isSaid || isAnswer || english === t0('login.expired'), english)
        assert.deepEqual(words.match(/\{\d\}/g)?.toSorted(), english.match(/\{\d\}/g)?.toSorted(), english)
      }
    })

    test('every answer of the ledger in words is said', () => {
      const source = readFileSync(join(root, 'core/access/words.ts'), 'utf8')
      const answers = [...source.matchAll(/(?:'((?:[A-Z])[^'\n]*)'|`((?:[A-Z“])[^`]*)`)/g)].map(
        ([, plain, template]) => plain ?? template ?? '',
      )
      const wholes = answers.filter((text) => /[.:]/.test(text.at(-1) ?? '') || text.includes(': '))
      assert.ok(wholes.length > 12)
      // As it would be said: with something in each place, and a verb in its own.
      for (const text of wholes) {
        const english = text.replace(/\$\{verbWords.*?\}/, 'view').replace(/\$\{again\}/, 'Sign in with Uni again')
        const filled = english.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, 'xyz')
        assert.notEqual(t.message(filled), filled, filled)
      }
      assert.equal(
        t.message(
          'You may view “Fisch” v1: it was granted to the group “labor” at the level “edit”, until 2030-01-01.',
        ),
        'Sie dürfen “Fisch” v1 ansehen: das wurde der Gruppe „labor“ auf der Stufe „edit“ gegeben, bis 2030-01-01.',
      )
    })

    test('words of ours in a place of a message are said too', () => {
      assert.equal(t.message('This needs a site admin.'), 'Dafür braucht es einen Admin der Seite.')
      assert.equal(t.message('There is no version “v9” of “fish”.'), 'Es gibt die Version “v9” von “fish” nicht.')
    })

    test('a message is said by its pattern, values untouched; another is left as it is', () => {
      const english = 'There is no group “<b>{0}</b>”.'
      assert.equal(t.message(english), 'Die Gruppe „<b>{0}</b>“ gibt es nicht.')
      assert.equal(t.message('There is no dataset "a.b".'), 'Den Datensatz "a.b" gibt es nicht.')
      assert.equal(t.message('Whatever else.'), 'Whatever else.')
      assert.equal(loadTexts([folder]).in('en').message(english), english)
      const hostile = `There is no ${'a'.repeat(100_000)}`
      assert.equal(t.message(hostile), hostile)
    })
  })
}

const t0 = (key: string) => english.get(key)

suite('plugins', () => {
  test('speak every language of ours, with the same keys and places', async () => {
    const named = filesOf(['plugins/*/text.ts', 'plugins/*/sign-in/text.ts'])
    assert.ok(named.length >= 11)
    for (const path of named) {
      const module = (await import(join(root, path))) as Record<string, Record<string, Record<string, string>>>
      for (const tables of Object.values(module))
        for (const file of others) {
          const [own = {}, first = {}] = [tables[file.slice(0, -5)], tables.en]
          assert.deepEqual(Object.keys(own).toSorted(), Object.keys(first).toSorted(), path)
          for (const [key, words] of Object.entries(own)) assert.deepEqual(places(words), places(first[key] ?? ''), key)
        }
    }
  })
})

suite('the gallery in German', () => {
  const pages = samplePages()
  for (const sample of galleryData())
    test(`${sample.name} has no English of ours left, and says its language`, () => {
      const html = renderSample(pages, sample, 'de')
      assert.match(html, /<html lang="de">/)
      const left = englishOn(html, { language: 'de', data: JSON.stringify(sample.data) })
      assert.deepEqual(
        left.filter((text) => text !== 'English'),
        [],
      )
    })

  test('a page in English would be found out', () => {
    const [first] = galleryData()
    assert.ok(first && englishOn(renderSample(pages, first, 'en'), { language: 'de' }).length > 2)
  })
})
