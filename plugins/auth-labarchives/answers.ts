/** What LabArchives answers, read by tag: a person, an error, the time. @module */
import { childOf, type Element, textIn } from './xml.ts'

/** A notebook in somebody's list. */
export interface Notebook {
  readonly id: string
  readonly name: string
  readonly isDefault: boolean
}

/** A person, as LabArchives tells of them. */
export interface Person {
  /** Opens their notebooks together with the access key: a secret. */
  readonly uid: string
  readonly name: string | undefined
  readonly givenName: string | undefined
  readonly familyName: string | undefined
  readonly email: string | undefined
  /** Whether they may be asked about again without their being there. */
  readonly mayAskAgain: boolean
  readonly notebooks: readonly Notebook[]
}

const longestUid = 512
const longestName = 200

/**
 * The person in an answer of `user_access_info` or `user_info_via_id`.
 * @throws SyntaxError when it is none
 */
export function personIn(answer: Element): Person {
  const uid = textIn(answer, 'id')
  if (answer.name !== 'users' || uid === undefined || uid.length > longestUid) {
    throw new SyntaxError('the answer tells of no person')
  }
  return {
    uid,
    name: nameIn(answer, 'fullname'),
    givenName: nameIn(answer, 'first-name'),
    familyName: nameIn(answer, 'last-name'),
    email: textIn(answer, 'email'),
    mayAskAgain: textIn(answer, 'auto-login-allowed') === 'true',
    notebooks: childOf(answer, 'notebooks')?.children.flatMap(notebookIn) ?? [],
  }
}

function nameIn(element: Element, tag: string): string | undefined {
  return textIn(element, tag)?.slice(0, longestName)
}

function notebookIn(element: Element): readonly Notebook[] {
  const [id, name] = [textIn(element, 'id'), nameIn(element, 'name')]
  if (element.name !== 'notebook' || id === undefined) return []
  return [{ id, name: name ?? '', isDefault: textIn(element, 'is-default') === 'true' }]
}

/** The code in an answer that is an error; `undefined` when it is none. Errors may come with status 200. */
export function errorIn(answer: Element): number | undefined {
  if (answer.name !== 'error') return undefined
  const code = textIn(answer, 'error-code') ?? ''
  return /^\d{1,6}$/.test(code) ? Number(code) : 0
}

/**
 * The time in an answer of `epoch_time`, in milliseconds since 1970.
 * @throws SyntaxError when it is none
 */
export function epochIn(answer: Element): number {
  const text = answer.name === 'epoch-time' ? answer.text : textIn(answer, 'epoch-time')
  if (text === undefined || !/^\d{13}$/.test(text)) throw new SyntaxError('the answer tells no time')
  return Number(text)
}
