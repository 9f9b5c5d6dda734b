/** How the chooser's methods are laid out in forms that work without scripts. @module */
import { type FormParts, formParts } from './form.ts'
import type { ChooserView, MethodView } from './views.ts'

/** A method with its fields, if it has any; `or` draws a divider before it. */
export interface ChooserItem {
  readonly method: MethodView
  readonly parts: FormParts | undefined
  readonly or: boolean
}

export interface ChooserParts {
  /** One form for all buttons and one method with fields, so that "keep me signed in" is asked once. */
  readonly main:
    | {
        readonly action: string
        readonly items: readonly ChooserItem[]
        /** The return key presses a form's first button: here that must be the button of the fields. */
        readonly hiddenDefault: boolean
      }
    | undefined
  /** Methods with fields that must not be posted elsewhere, or that would be in each other's way. */
  readonly apart: readonly ChooserItem[]
}

/** Sorts the methods of a chooser into its forms, in the order they were given. */
export function chooserParts({ methods, csrf }: ChooserView): ChooserParts {
  const joined = methods.find((method) => canFill(method) && !asksPassword(method))
  const inMain = methods.filter((method) => method === joined || !canFill(method))
  const items = inMain.map((method, index) => ({
    method,
    parts: method === joined ? partsOf(method, csrf) : undefined,
    or: index > 0 && (method === joined || inMain[index - 1] === joined),
  }))
  const first = joined ?? inMain.find((method) => method.unavailable === undefined)
  const apart = methods
    .filter((method) => canFill(method) && method !== joined)
    .map((method, index) => ({ method, parts: partsOf(method, csrf), or: index > 0 || items.length > 0 }))
  return {
    main:
      items.length === 0
        ? undefined
        : { action: first?.action ?? '', items, hiddenDefault: joined !== undefined && inMain[0] !== joined },
    apart,
  }
}

function canFill(method: MethodView): boolean {
  return method.form !== undefined && method.unavailable === undefined
}

function asksPassword(method: MethodView): boolean {
  return method.form?.fields.some((field) => field.type === 'password') ?? false
}

function partsOf(method: MethodView, csrf: string): FormParts | undefined {
  if (method.form === undefined) return undefined
  return formParts(method.form, { id: `m-${method.id}`, post: { action: method.action, csrf }, focus: 'none' })
}
