/** Which grants somebody sees who looks after something: the same rule for one grant and for a list of them. @module */
import { raw } from '@mikro-orm/core'
import type { Grant } from './model.ts'
import type { Rights } from './stewards.ts'

/** What the sight of grants depends on. */
export type Sight = Pick<Rights, 'admin' | 'steering' | 'datasets' | 'managed' | 'groups'>

/** Whether a grant is in sight: of a dataset they keep; to the steering committee those of dataset admins; to a team lead those within the team. */
export function seesGrant(
  sight: Sight,
  { dataset, level, conditions }: Pick<Grant, 'dataset' | 'level' | 'conditions'>,
) {
  if (sight.admin || sight.datasets.includes(dataset)) return true
  if (sight.steering && level === 'admin') return true
  const { withinGroup } = conditions
  return withinGroup !== undefined && sight.managed.includes(dataset) && sight.groups.includes(withinGroup)
}

/** The same rule as a condition on rows of grants. */
export function sightWhere(sight: Sight): Record<string, unknown> {
  if (sight.admin) return {}
  const { datasets, managed, groups, steering } = sight
  // Nothing is equal to null: so says an empty list, which PostgreSQL does not take.
  const marks = (list: readonly string[]) => list.map(() => '?').join(', ') || 'null'
  const parts = [
    { sql: `dataset in (${marks(datasets)})`, values: datasets },
    ...(steering ? [{ sql: `level = 'admin'`, values: [] }] : []),
    {
      sql: `(dataset in (${marks(managed)}) and json_extract(conditions, '$.withinGroup') in (${marks(groups)}))`,
      values: [...managed, ...groups],
    },
  ]
  const any = raw(
    `(${parts.map(({ sql }) => sql).join(' or ')})`,
    parts.flatMap(({ values }) => values),
  )
  // A fragment stands for its own key; with nothing to compare it is the whole condition.
  return { [any as unknown as string]: [] }
}
