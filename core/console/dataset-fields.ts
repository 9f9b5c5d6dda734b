/** The fields of a dataset, and what they say when they are sent. @module */
import { Fault } from '@labgate/contract'
import type { DatasetPatch } from '../access/model.ts'
import type { Ctx } from '../http/context.ts'
import type { Desk } from '../login/desk.ts'
import type { ConsoleField } from '../pages/views-console.ts'

type Typed = Readonly<Record<string, string>>

/** Fields of a dataset's form. `binds`: also what services take for it (aliases, places, tables), which admins choose. */
export function datasetFields(
  ctx: Ctx,
  { desk, values, binds }: { desk: Pick<Desk, 'text'>; values: Typed; binds: 'yes' | 'no' },
): readonly ConsoleField[] {
  const text = (key: string) => desk.text(ctx, `console.ds.${key}`)
  const field = (name: string, more: Partial<ConsoleField>): ConsoleField => ({
    id: name,
    name,
    label: text(name),
    value: values[name],
    ...more,
  })
  const area = (name: string, rows: number): ConsoleField =>
    field(name, { type: 'area', rows, plain: true, hint: text(`${name}Hint`) })
  return [
    field('title', { maxLength: 200 }),
    field('description', { type: 'area', rows: 3, maxLength: 4000 }),
    field('visibility', {
      type: 'select',
      hint: text('visibilityHint'),
      options: (['listed', 'hidden'] as const).map((value) => ({ value, label: text(value) })),
    }),
    area('versions', 4),
    ...(binds === 'yes' ? [area('aliases', 2), area('places', 4), area('tables', 3)] : []),
  ]
}

/** The plain facts of a dataset's form. @throws Fault ERR_INPUT */
export function datasetTyped({ title, description, visibility, seen }: Typed): DatasetPatch {
  const since = seen === undefined ? undefined : new Date(seen)
  if (since !== undefined && Number.isNaN(since.getTime()))
    throw new Fault('ERR_INPUT', 'The form does not say which state of the dataset it changes.')
  return {
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    // What is neither is refused by the ledger.
    ...(visibility === undefined ? {} : { visibility: visibility as 'listed' }),
    ...(since === undefined ? {} : { unchangedSince: since }),
  }
}
