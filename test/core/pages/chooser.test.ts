import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { chooserParts } from '../../../core/pages/chooser.ts'
import type { MethodView } from '../../../core/pages/views.ts'

const button = (id: string): MethodView => ({ id, label: id, action: `/${id}` })
const email = (id: string): MethodView => ({
  ...button(id),
  form: { fields: [{ name: 'email', label: 'E', type: 'email' }], submit: 'Go' },
})
const password = (id: string): MethodView => ({
  ...button(id),
  form: { fields: [{ name: 'p', label: 'P', type: 'password' }], submit: 'Go' },
})

function parts(...methods: readonly MethodView[]) {
  const { main, apart } = chooserParts({ client: undefined, methods, csrf: 'c' })
  const ids = (items: readonly { method: MethodView }[] = []) => items.map(({ method }) => method.id)
  return { main, mainIds: ids(main?.items), apartIds: ids(apart), apart }
}

suite('chooserParts()', () => {
  test('puts buttons and the first method with fields into one form, in their order', () => {
    const { mainIds, apartIds, main } = parts(button('a'), email('m'), button('b'))
    assert.deepEqual(mainIds, ['a', 'm', 'b'])
    assert.deepEqual(apartIds, [])
    assert.deepEqual(
      main?.items.map(({ or }) => or),
      [false, true, true],
    )
  })

  test('lets the return key press the button of the fields, wherever they stand', () => {
    assert.equal(parts(button('a'), email('m')).main?.hiddenDefault, true)
    assert.equal(parts(email('m'), button('a')).main?.hiddenDefault, false)
    assert.equal(parts(button('a'), email('m')).main?.action, '/m')
  })

  test('keeps passwords and second fields in forms of their own, so that they are posted nowhere else', () => {
    const { mainIds, apartIds } = parts(password('p'), email('m'), email('n'), button('a'))
    assert.deepEqual(mainIds, ['m', 'a'])
    assert.deepEqual(apartIds, ['p', 'n'])
  })

  test('has no main form when every method asks a password', () => {
    const { main, apart } = parts(password('p'), password('q'))
    assert.equal(main, undefined)
    assert.deepEqual(
      apart.map(({ or }) => or),
      [false, true],
    )
  })

  test('shows an unavailable method without its fields and never posts to it by default', () => {
    const { main } = parts({ ...email('m'), unavailable: 'down' }, button('a'))
    assert.equal(main?.action, '/a')
    assert.equal(main?.items[0]?.parts, undefined)
  })

  test('has nothing to show for no methods', () => {
    const { main, apart } = parts()
    assert.equal(main, undefined)
    assert.deepEqual(apart, [])
  })
})
