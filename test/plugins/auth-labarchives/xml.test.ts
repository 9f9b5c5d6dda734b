import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { epochIn, errorIn, personIn } from '../../../plugins/auth-labarchives/answers.ts'
import { childOf, readXml, textIn } from '../../../plugins/auth-labarchives/xml.ts'
import fc from '../../support/chance.ts'

const refused = (document: string, message: RegExp) =>
  assert.throws(
    () => readXml(document),
    (error: Error) => error instanceof SyntaxError && message.test(error.message),
  )

describe('plain XML', () => {
  test('is read by tag, with attributes, comments and CDATA', () => {
    const root = readXml(
      '\uFEFF<?xml version="1.0" encoding="UTF-8"?>\n<users a="1" b = \'2\'><!-- x --><id>\n u1 </id><empty nil="true" /><raw><![CDATA[<&amp;>]]></raw></users>\n',
    )
    assert.equal(root.name, 'users')
    assert.equal(textIn(root, 'id'), 'u1')
    assert.equal(textIn(root, 'empty'), undefined)
    assert.equal(textIn(root, 'raw'), '<&amp;>')
    assert.equal(textIn(root, 'missing'), undefined)
  })

  test('has the five entities and numbered characters', () => {
    assert.equal(readXml('<a>&lt;&amp;&gt;&quot;&apos;&#228;&#x1F600;</a>').text, '<&>"\'ä😀')
  })

  test('reads back any text that was escaped', () => {
    const escaped = (text: string) => text.replace(/[&<>]/g, (one) => `&#${one.charCodeAt(0)};`)
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        // biome-ignore lint/suspicious/noControlCharactersInRegex: XML has no such characters.
        fc.pre(!/[\u0000-\u001f\ufffe\uffff]/.test(text))
        assert.equal(readXml(`<a>${escaped(text)}</a>`).text, text.trim())
      }),
    )
  })
})

describe('what is more than that is refused (labapi 3.6)', () => {
  const laughs = '<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><lolz>&lol2;</lolz>'
  const outside = '<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'
  for (const document of [laughs, outside, '<!doctype html><title>x</title>', '<a><!ENTITY b "c"></a>']) {
    test(`a document type: ${document.slice(0, 30)}`, () => refused(document, /document type/))
  }
  for (const text of ['&lol;', '&', '&amp', '&#0;', '&#xD800;', '&#x110000;', '&#;', '&constructor;', '&#x1;']) {
    test(`an entity of its own: ${text}`, () => refused(`<a>${text}</a>`, /entity/))
  }
  const broken = [
    '<a>',
    '<a><b></a></b>',
    '</a>',
    '<a/><b/>',
    'text',
    '',
    '<a/>text',
    '<a',
    '<a b=c/>',
    '<a><?php ?></a>',
  ]
  for (const document of [...broken, '<a b="<"/>', 'null', '[]', '{"a":1}', '<ns:a/>']) {
    test(`what is no XML: ${document}`, () => refused(document, /XML/))
  }
  test('another encoding', () => refused('<?xml version="1.0" encoding="ISO-8859-1"?><a/>', /UTF-8/))
  test('control characters', () => refused('<a>\u0000</a>', /control/))
  test('more than 512 KiB', () => refused(`<a>${'x'.repeat(512 * 1024)}</a>`, /too large/))
  test('elements within elements without end', () => refused('<a>'.repeat(10_000), /too deep/))
  test('too many elements', () => refused(`<a>${'<b/>'.repeat(20_001)}</a>`, /too many/))

  test('and no document takes long, or throws anything else', () => {
    const hostile = ['<', '>', '<a ', ' ', '=', '"', "'", '<!--', '-->', '<![CDATA[', ']]>', '&', '<a>', '</a>', 'x']
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...hostile), { maxLength: 200 }), (parts) => {
        try {
          readXml(parts.join(''))
        } catch (error) {
          assert.ok(error instanceof SyntaxError)
        }
      }),
    )
    const long = [`<a${' '.repeat(200_000)}`, `<a>${'<!--'.repeat(50_000)}`, `<a ${'b="c" '.repeat(40_000)}`]
    const started = process.hrtime.bigint()
    for (const document of long) refused(document, /XML/)
    assert.ok(process.hrtime.bigint() - started < 2_000_000_000n, 'a broken document took more than two seconds')
  })

  test('no message quotes the document, which may echo a signature', () => {
    for (const document of ['<users><sig>s3cr3t-sig</users>', '<a>&s3cr3t-sig;</a>', '<s3cr3t-sig>']) {
      assert.throws(
        () => readXml(document),
        (error: Error) => !error.message.includes('s3cr3t'),
      )
    }
  })
})

describe('answers', () => {
  const person = '<id>u1</id><fullname>Ada</fullname>'
  const notebook = '<notebook><name>N</name><is-default>true</is-default><id>n1</id></notebook>'

  test('a person is read whatever the order, and a notebook’s id is not taken for theirs', () => {
    const notebooks = `<notebooks type="array">${notebook}<notebook><name>no id</name></notebook></notebooks>`
    const expected = [{ id: 'n1', name: 'N', isDefault: true }]
    for (const inner of [`${person}${notebooks}`, `${notebooks}<request><id>x</id></request>${person}`]) {
      const read = personIn(readXml(`<users>${inner}</users>`))
      assert.equal(read.uid, 'u1')
      assert.equal(read.name, 'Ada')
      assert.deepEqual(read.notebooks, expected)
    }
  })

  test('auto-login counts only when it is said', () => {
    const flag = (text: string) => personIn(readXml(`<users>${person}${text}</users>`)).mayAskAgain
    assert.equal(flag('<auto-login-allowed type="boolean">true</auto-login-allowed>'), true)
    assert.equal(flag('<auto-login-allowed type="boolean">false</auto-login-allowed>'), false)
    assert.equal(flag(''), false)
  })

  for (const xml of [
    '<users/>',
    `<users><id/></users>`,
    `<other>${person}</other>`,
    '<users><id>a</id><id>b</id></users>',
  ]) {
    test(`nobody is read from ${xml}`, () => assert.throws(() => personIn(readXml(xml)), SyntaxError))
  }

  test('a uid of absurd length is nobody’s', () => {
    assert.throws(() => personIn(readXml(`<users><id>${'x'.repeat(513)}</id></users>`)), SyntaxError)
  })

  test('an error is known by its tag, and by 0 when it has no code', () => {
    assert.equal(errorIn(readXml('<error><error-code type="integer">4514</error-code></error>')), 4514)
    assert.equal(errorIn(readXml('<error/>')), 0)
    assert.equal(errorIn(readXml('<users/>')), undefined)
  })

  test('the time is thirteen digits', () => {
    assert.equal(epochIn(readXml('<utilities><epoch-time>1893456000000</epoch-time></utilities>')), 1893456000000)
    for (const text of ['', '1893456000', 'soon'])
      assert.throws(() => epochIn(readXml(`<u><epoch-time>${text}</epoch-time></u>`)), SyntaxError)
  })

  test('of two children of one name none is believed', () => {
    assert.throws(() => childOf(readXml('<a><b/><b/></a>'), 'b'), /several <b>/)
  })
})
