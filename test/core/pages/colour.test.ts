import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { isFault } from '@labgate/contract'
import { accentOf } from '../../../core/pages/colour.ts'
import fc from '../../support/chance.ts'

function luminance(colour: string): number {
  const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
  const [r = 0, g = 0, b = 0] = parts.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

suite('accentOf()', () => {
  test('makes any colour readable: as text on every surface, and under its own text (WCAG 2.2 §1.4.3)', () => {
    const colours = fc.integer({ min: 0, max: 0xffffff }).map((value) => `#${value.toString(16).padStart(6, '0')}`)
    fc.assert(
      fc.property(colours, (colour) => {
        const { light, dark } = accentOf(colour)
        for (const surface of ['#ffffff', '#f3f4f1']) assert.ok(contrast(light.colour, surface) >= 4.5)
        for (const surface of ['#121614', '#1a1f1d', '#202624']) assert.ok(contrast(dark.colour, surface) >= 4.5)
        for (const shade of [light, dark]) assert.ok(contrast(shade.colour, shade.text) >= 4.5)
      }),
    )
  })

  test('leaves a readable colour alone and says when it changed one', () => {
    assert.equal(accentOf('#0f6657').light.colour, '#0f6657')
    assert.equal(accentOf('#0f6657').adjusted, false)
    assert.equal(accentOf('#FF0').adjusted, true)
  })

  for (const colour of ['green', '', '#12', '#12345g', '#fff;}</style><script>'])
    test(`refuses ${JSON.stringify(colour)} with ERR_CONFIG`, () => {
      assert.throws(
        () => accentOf(colour),
        (error) => isFault(error) && error.code === 'ERR_CONFIG',
      )
    })
})
