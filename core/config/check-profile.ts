/** Whether the questions of `profile` can be asked, and what other sections say of them. Pure. @module */
import type { Finding } from './finding.ts'
import type { Path } from './problems.ts'
import type { Config, QuestionEntry } from './schema.ts'
import { didYouMean } from './suggest.ts'

/** What upstreams vouch for: an answer of this name would look like theirs. */
const vouchedFor = ['sub', 'email', 'email_verified', 'groups', 'orcid', 'role']

/** Every mistake in the section `profile`, and in `claims` that speak of its answers. */
export function profileConditions(config: Config): Finding[] {
  const { questions } = config.profile
  return [
    ...questions.flatMap((question, index) => [
      ...repeated(questions, index),
      ...questionErrors(question, ['profile', 'questions', index]),
    ]),
    ...claimErrors(config),
  ]
}

function error(path: Path, message: string): Finding {
  return { level: 'error', path, message }
}

function repeated(questions: readonly QuestionEntry[], index: number): Finding[] {
  const isAgain = questions.findIndex(({ id }) => id === questions[index]?.id) < index
  return isAgain ? [error(['profile', 'questions', index, 'id'], 'is the id of a question above')] : []
}

function questionErrors({ id, type, options = [], group }: QuestionEntry, path: Path): Finding[] {
  const values = options.map(({ value }) => value)
  const twice = values.findIndex((value, index) => values.indexOf(value) < index)
  return [
    ...(vouchedFor.includes(id)
      ? [error([...path, 'id'], `\`${id}\` is what sign-ins vouch for; choose another name for what people say`)]
      : []),
    ...(type === 'choice' && options.length === 0
      ? [{ ...error(path, 'a choice needs `options`'), part: 'key' as const }]
      : []),
    ...(type === 'text' && options.length > 0
      ? [error([...path, 'options'], 'goes with `type: choice` only; a text has none')]
      : []),
    ...(type === 'text' && group ? [error([...path, 'group'], 'goes with `type: choice` only')] : []),
    ...(twice >= 0 ? [error([...path, 'options', twice, 'value'], 'is the value of an option above')] : []),
  ]
}

function claimErrors({ claims, profile }: Config): Finding[] {
  const ids = profile.questions.map(({ id }) => id)
  return Object.entries(claims).flatMap(([scope, sources]) =>
    Object.entries(sources).flatMap(([claim, from]) => {
      const id = from.startsWith('answer:') ? from.slice('answer:'.length) : undefined
      if (id === undefined || ids.includes(id)) return []
      return [error(['claims', scope, claim], `there is no question \`${id}\` in \`profile\`${didYouMean(id, ids)}`)]
    }),
  )
}

/** The mistake in `profile:ID/VALUE` where a group is named, if it is none that answers lead to. */
export function profileGroupErrors(group: string, path: Path, { profile }: Config): Finding[] {
  const groups = profile.questions.flatMap(({ id, group, options = [] }) =>
    group ? options.map(({ value }) => `profile:${id}/${value}`) : [],
  )
  return groups.includes(group)
    ? []
    : [error(path, `no answer of \`profile\` leads to the group \`${group}\`${didYouMean(group, groups)}`)]
}
