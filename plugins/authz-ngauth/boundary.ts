/**
 * From places that somebody may or may not see to a Credential Access Boundary of Google: which objects of one bucket a
 * credential opens. An object belongs to the places with the longest prefix that it lies below. Pure.
 * @module
 */
import { Fault } from '@labgate/contract'

/** A prefix of the bucket, and whether what lies there may be read. */
export interface JudgedPlace {
  /** Without slashes at its ends; `''`: the whole bucket. */
  readonly prefix: string
  readonly allowed: boolean
}

/** Objects below `under`, without those below one of `without`. */
export interface Opening {
  readonly under: string
  readonly without: readonly string[]
}

/** The least openings that say the same; none when nothing is allowed. */
export function openingsOf(places: readonly JudgedPlace[]): Opening[] {
  const judged = new Map<string, boolean>()
  for (const { prefix, allowed } of places) {
    const plain = prefix.replaceAll(/^\/+|\/+$/g, '')
    // One place of two datasets: who may see one of them may see the files.
    judged.set(plain, (judged.get(plain) ?? false) || allowed)
  }
  const prefixes = [...judged.keys()].toSorted()
  const parentOf = (prefix: string) =>
    prefixes.filter((other) => other !== prefix && isBelow(prefix, other)).reduce(longer, undefined)
  const opens = (prefix: string | undefined) => prefix !== undefined && judged.get(prefix) === true
  return prefixes
    .filter((prefix) => opens(prefix) && !opens(parentOf(prefix)))
    .map((under) => ({ under, without: prefixes.filter((one) => isHole(one, under)) }))

  /** The nearest that is closed on the way down from `under`, everything between being open. */
  function isHole(one: string, under: string): boolean {
    if (one === under || !isBelow(one, under) || opens(one)) return false
    for (let at = parentOf(one); at !== undefined && at !== under; at = parentOf(at)) if (!opens(at)) return false
    return true
  }
}

/** By whole names: `fish2` is not below `fish`. */
function isBelow(prefix: string, other: string): boolean {
  return other === '' || prefix.startsWith(`${other}/`)
}

function longer(one: string | undefined, other: string): string {
  return one === undefined || other.length > one.length ? other : one
}

/** Google takes no more rules. */
const maxRules = 10

/** The `options` of the exchange. @throws Fault ERR_UPSTREAM when a prefix cannot be said to Google */
export function boundaryOf(bucket: string, openings: readonly Opening[]): object {
  const share = Math.ceil(openings.length / maxRules)
  const rules: object[] = []
  for (let at = 0; at < openings.length; at += share) rules.push(ruleOf(bucket, openings.slice(at, at + share)))
  return { accessBoundary: { accessBoundaryRules: rules } }
}

function ruleOf(bucket: string, openings: readonly Opening[]): object {
  const rule = {
    availableResource: `//storage.googleapis.com/projects/_/buckets/${bucket}`,
    availablePermissions: ['inRole:roles/storage.objectViewer'],
  }
  if (openings.some(({ under, without }) => under === '' && without.length === 0)) return rule
  const expression = openings.map((opening) => expressionOf(bucket, opening)).join(' || ')
  return { ...rule, availabilityCondition: { title: 'what this person may see', expression } }
}

const listed = `api.getAttribute('storage.googleapis.com/objectListPrefix', '')`

function expressionOf(bucket: string, { under, without }: Opening): string {
  const objects = `projects/_/buckets/${bucket}/objects/`
  const below = (prefix: string) =>
    `resource.name.startsWith(${quoted(`${objects}${prefix === '' ? '' : `${prefix}/`}`)})`
  if (without.length > 0) return `(${[below(under), ...without.map((hole) => `!${below(hole)}`)].join(' && ')})`
  // Names are listed only where nothing below is closed.
  return `${below(under)} || ${listed}.startsWith(${quoted(`${under}/`)})`
}

/** A text of CEL. Its escapes are few, and nobody names folders with what would need others. */
function quoted(text: string): string {
  if (/\p{Cc}/u.test(text))
    throw new Fault(
      'ERR_UPSTREAM',
      'a prefix with a control character cannot be said to Google: mend the dataset’s places',
    )
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
