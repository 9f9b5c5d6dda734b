import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { contactHref, iconUri, safeHref, safeImage } from '../../../core/pages/links.ts'

suite('addresses of others', () => {
  const good = ['https://example.org/a?b=c', 'http://localhost:8080/', 'mailto:a@example.org', '/account', '/']
  const bad = [
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,<script>',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'vbscript:x',
    'evil.example',
    '',
  ]
  for (const address of good) test(`${address} may be linked to`, () => assert.equal(safeHref(address), address))
  for (const address of bad)
    test(`${JSON.stringify(address)} may not be linked to`, () => assert.equal(safeHref(address), undefined))

  test('an image is of our own or data, and never a document', () => {
    assert.equal(safeImage('/assets/brand.svg'), '/assets/brand.svg')
    assert.equal(safeImage(iconUri('<svg/>')), 'data:image/svg+xml;base64,PHN2Zy8+')
    for (const address of ['https://example.org/a.png', 'data:text/html,x', '//evil.example/a.png'])
      assert.equal(safeImage(address), undefined)
  })

  test('a contact is an address or a link', () => {
    assert.equal(contactHref('help@example.org'), 'mailto:help@example.org')
    assert.equal(contactHref('mailto:help@example.org'), 'mailto:help@example.org')
    assert.equal(contactHref('https://example.org/help'), 'https://example.org/help')
    assert.equal(contactHref('room 12'), undefined)
    assert.equal(contactHref(undefined), undefined)
  })
})
