/** From a plugin's form, as data, to what the form template prints: ids, descriptions, input types. @module */
import type { Field, Form } from '@labgate/contract'
import type { Post } from './views.ts'

/** One field, ready to print. `true` is an attribute without a value. */
export interface FieldParts {
  readonly id: string
  readonly kind: 'input' | 'code' | 'checkbox' | 'select' | 'hidden'
  readonly label: string
  readonly hint: string | undefined
  readonly hintId: string
  readonly attributes: readonly (readonly [name: string, value: string | true])[]
  readonly options: readonly { readonly value: string; readonly label: string; readonly selected: boolean }[]
}

/** A form, ready to print. */
export interface FormParts {
  readonly error: string | undefined
  readonly errorId: string
  readonly fields: readonly FieldParts[]
  readonly submit: string
  readonly also: NonNullable<Form['also']>
  readonly post: Post
}

interface Placing {
  /** Unique on the page; the ids of the fields begin with it. */
  readonly id: string
  readonly post: Post
  /** Whether the first visible field takes the focus when the page opens. */
  readonly focus: 'first' | 'none'
}

const inputTypes = { text: 'text', email: 'email', code: 'text', password: 'password' } as const
const kinds = { text: 'input', email: 'input', password: 'input', code: 'code' } as const
const autocompletes: Partial<Record<Field['type'], string>> = {
  email: 'email',
  code: 'one-time-code',
  password: 'current-password',
}

/** Prepares a form for the template. The error is tied to the first visible field, so that screen readers read both. */
export function formParts(form: Form, placing: Placing): FormParts {
  const first = form.fields.find((field) => field.type !== 'hidden')
  const errorId = `${placing.id}-error`
  return {
    error: form.error,
    errorId,
    fields: form.fields.map((field) =>
      fieldParts(field, {
        id: `${placing.id}-${field.name}`,
        error: field === first && form.error !== undefined ? errorId : undefined,
        focus: field === first && (placing.focus === 'first' || form.error !== undefined),
      }),
    ),
    submit: form.submit,
    also: form.also ?? [],
    post: placing.post,
  }
}

interface Circumstances {
  readonly id: string
  readonly error: string | undefined
  readonly focus: boolean
}

function fieldParts(field: Field, at: Circumstances): FieldParts {
  const hintId = `${at.id}-hint`
  const described = [field.hint === undefined ? undefined : hintId, at.error].filter((id) => id !== undefined)
  return {
    id: at.id,
    kind:
      field.type === 'hidden' || field.type === 'checkbox' || field.type === 'select' ? field.type : kinds[field.type],
    label: field.label,
    hint: field.hint,
    hintId,
    attributes: present({
      id: field.type === 'hidden' ? undefined : at.id,
      name: field.name,
      ...ofType(field),
      required: field.required === true && field.type !== 'hidden',
      'aria-describedby': described.length > 0 ? described.join(' ') : undefined,
      'aria-invalid': at.error === undefined ? undefined : 'true',
      autofocus: at.focus,
    }),
    options: (field.options ?? []).map((option) => ({ ...option, selected: option.value === field.value })),
  }
}

type Attributes = Readonly<Record<string, string | boolean | undefined>>

function ofType(field: Field): Attributes {
  switch (field.type) {
    case 'hidden':
      return { type: 'hidden', value: field.value ?? '' }
    case 'checkbox':
      return { type: 'checkbox', value: 'on', checked: isOn(field.value) }
    case 'select':
      return { autocomplete: field.autocomplete }
    default:
      return typed(field, inputTypes[field.type])
  }
}

function typed(field: Field, type: string): Attributes {
  const plain = field.type === 'email' || field.type === 'code'
  return {
    type,
    // A password never goes back into a page.
    value: field.type === 'password' ? undefined : field.value,
    placeholder: field.placeholder,
    autocomplete: field.autocomplete ?? autocompletes[field.type],
    inputmode: field.type === 'code' ? 'numeric' : undefined,
    autocapitalize: plain ? 'none' : undefined,
    spellcheck: plain ? 'false' : undefined,
    // A code is often pasted with blanks in it: cutting it would lose digits, so its length is the plugin's to check.
    maxlength: field.type === 'code' || field.maxLength === undefined ? undefined : String(field.maxLength),
  }
}

function present(attributes: Attributes): FieldParts['attributes'] {
  return Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined || value === false ? [] : [[name, value] as const],
  )
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && ['on', 'true', '1', 'yes'].includes(value)
}
