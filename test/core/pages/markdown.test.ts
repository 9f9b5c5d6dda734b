import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { renderMarkdown } from '../../../core/pages/markdown.ts'
import fc from '../../support/chance.ts'

/** Attributes and elements that may come out, and nothing else. */
const elements = new Set(
  'h2 h3 h4 h5 h6 p strong em s a ul ol li blockquote pre code hr br table thead tbody tr th td'.split(' '),
)

function complaints(html: string): string[] {
  return [...html.matchAll(/<\/?([^\s>/]*)([^>]*)>/g)].flatMap(([tag, name = '', rest = '']) => {
    if (!elements.has(name)) return [tag]
    const attributes = [...rest.matchAll(/([^\s="]+)="([^"]*)"/g)].map(
      ([, key = '', value = '']) => [key, value] as const,
    )
    return attributes.flatMap(([key, value]) => {
      const isFine =
        (name === 'a' && key === 'href' && /^(?:https?:\/\/|mailto:)/i.test(value)) ||
        (name === 'a' && key === 'rel' && value === 'noopener noreferrer nofollow') ||
        (name === 'a' && key === 'title') ||
        (name === 'code' && key === 'class' && value.startsWith('language-')) ||
        (name === 'ol' && key === 'start')
      return isFine ? [] : [`${tag} ${key}`]
    })
  })
}

describe('Markdown of terms', () => {
  test('is headings below the page’s own, paragraphs, lists, tables and links', () => {
    assert.equal(
      renderMarkdown('# A\n\n**b** *c*\n\n- d\n'),
      '<h2>A</h2>\n<p><strong>b</strong> <em>c</em></p>\n<ul>\n<li>d</li>\n</ul>\n',
    )
    assert.equal(renderMarkdown('###### A'), '<h6>A</h6>\n')
    assert.match(renderMarkdown('| a | b |\n| :- | -: |\n| 1 | 2 |'), /<table>.*<th>a<\/th>.*<td>2<\/td>/s)
  })

  test('HTML stands there as text', () => {
    const html = renderMarkdown('<script>alert(1)</script>\n\n<b onclick="x">q</b> <!-- c --> <svg/onload=x>')
    assert.deepEqual(complaints(html), [])
    assert.match(html, /&lt;script&gt;.*&lt;b onclick=/s)
  })

  test('links go to the web and to mail only', () => {
    const good = renderMarkdown(
      '[a](https://x.example/?a=1&b="2") <https://y.example> <me@z.example> [m](mailto:a@b.example)',
    )
    assert.deepEqual(complaints(good), [])
    assert.equal([...good.matchAll(/<a href="/g)].length, 4)
    assert.equal([...good.matchAll(/rel="noopener noreferrer nofollow"/g)].length, 4)
    for (const bad of [
      '[x](javascript:alert(1))',
      '[x](JaVaScRiPt:alert(1))',
      '[x](&#106;avascript:alert(1))',
      '[x](java&#10;script:alert(1))',
      '[x](\tjavascript:alert(1))',
      '[x](data:text/html;base64,PHNjcmlwdD4=)',
      '[x](vbscript:x)',
      '[x](file:///etc/passwd)',
      '[x](//evil.example)',
      '[x](/account)',
      '[x](..)',
      '<javascript:alert(1)>',
      '<data:text/html,x>',
      '[x]\n\n[x]: javascript:alert(1)',
    ])
      assert.ok(!renderMarkdown(bad).includes('<a'), bad)
    assert.ok(!renderMarkdown('see https://x.example').includes('<a'), 'a bare address stays text')
  })

  test('images are not fetched', () => {
    for (const image of [
      '![a](https://x.example/p.png)',
      '![a](data:image/png;base64,AAAA)',
      '![a][b]\n\n[b]: https://x.example/p.png',
    ])
      assert.ok(!renderMarkdown(image).includes('<img'), image)
  })

  test('attributes cannot be broken out of', () => {
    for (const odd of [
      '[a](https://x.example "t\\" onclick=\\"y")',
      '[a](<https://x.example/" onclick="y>)',
      '``` x" onclick="y\nz\n```',
    ])
      assert.deepEqual(complaints(renderMarkdown(odd)), [], odd)
  })

  test('whatever is written, only these elements and attributes come out', () => {
    const piece = fc.constantFrom(
      ...[
        '<',
        '>',
        '"',
        "'",
        '&',
        '[',
        ']',
        '(',
        ')',
        '!',
        '`',
        '*',
        '_',
        '#',
        '\n',
        '\n\n',
        ' ',
        '|',
        '-',
        ':',
        '\\',
        '~',
      ],
      ...[
        'javascript:',
        'data:',
        'https://x',
        '<script>',
        '<img src=x onerror=y>',
        'a',
        '&#x6a;',
        '\u0000',
        '1. ',
        '> ',
        '---',
      ],
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        assert.deepEqual(complaints(renderMarkdown(pieces.join(''))), [])
      }),
      { numRuns: 2000 },
    )
  })

  test('a text that nests deeply is rendered in time', () => {
    const began = performance.now()
    renderMarkdown('['.repeat(50_000) + '*a '.repeat(30_000) + '> '.repeat(5000))
    assert.ok(performance.now() - began < 5000)
  })
})
