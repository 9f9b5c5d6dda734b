import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Field, Form } from '@labgate/contract'
import { type FieldParts, formParts } from '../../../core/pages/form.ts'

const placing = { id: 'f', post: { action: '/a', csrf: 'c' }, focus: 'first' } as const

function partsOf(field: Field, form: Partial<Form> = {}): FieldParts {
  const part = formParts({ submit: 'Go', ...form, fields: [field] }, placing).fields[0]
  assert.ok(part)
  return part
}

function attributes(field: Field, form?: Partial<Form>): Readonly<Record<string, string | true>> {
  return Object.fromEntries(partsOf(field, form).attributes)
}

suite('formParts()', () => {
  test('makes a code field for digits and for the mail on a phone, and cuts no pasted blanks off', () => {
    const code = attributes({ name: 'code', label: 'Code', type: 'code', maxLength: 6 })
    assert.equal(code.type, 'text')
    assert.equal(code.inputmode, 'numeric')
    assert.equal(code.autocomplete, 'one-time-code')
    assert.equal(code.maxlength, undefined)
  })

  test('ties error and hint to the first visible field, marks it and gives it the focus', () => {
    const form = formParts(
      {
        fields: [
          { name: 'state', label: '', type: 'hidden', value: 's' },
          { name: 'email', label: 'E-mail', type: 'email', hint: 'Your own' },
          { name: 'other', label: 'Other', type: 'text' },
        ],
        submit: 'Go',
        error: 'No.',
      },
      { ...placing, focus: 'none' },
    )
    const [hidden, email, other] = form.fields.map((field) => Object.fromEntries(field.attributes))
    assert.deepEqual(hidden, { name: 'state', type: 'hidden', value: 's' })
    assert.equal(email?.['aria-describedby'], `f-email-hint ${form.errorId}`)
    assert.equal(email?.['aria-invalid'], 'true')
    assert.equal(email?.autofocus, true)
    assert.equal(other?.['aria-describedby'], undefined)
    assert.equal(other?.autofocus, undefined)
  })

  test('never puts a password back into a page', () => {
    assert.equal(attributes({ name: 'p', label: 'P', type: 'password', value: 'kept' }).value, undefined)
  })

  test('checks a box whose value says yes, and posts on', () => {
    assert.equal(attributes({ name: 'b', label: 'B', type: 'checkbox', value: 'on' }).checked, true)
    assert.equal(attributes({ name: 'b', label: 'B', type: 'checkbox', value: 'off' }).checked, undefined)
    assert.equal(attributes({ name: 'b', label: 'B', type: 'checkbox' }).value, 'on')
  })

  test('selects the option with the value of the field', () => {
    const options = [
      { value: 'a', label: 'A' },
      { value: 'b', label: 'B' },
    ]
    const parts = partsOf({ name: 's', label: 'S', type: 'select', value: 'b', options })
    assert.deepEqual(
      parts.options.map((option) => option.selected),
      [false, true],
    )
  })

  test('keeps what the plugin says of length, placeholder and completion', () => {
    const given = { maxLength: 20, placeholder: 'x', autocomplete: 'username', required: true }
    const found = attributes({ name: 'u', label: 'U', type: 'text', ...given })
    assert.equal(found.maxlength, '20')
    assert.equal(found.placeholder, 'x')
    assert.equal(found.autocomplete, 'username')
    assert.equal(found.required, true)
  })
})
