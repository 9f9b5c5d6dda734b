/**
 * A bucket's own IAM policy, as a second check: whether it lets somebody read everything below a prefix. It can only
 * take away from what grants give, so everything unknown counts as no: roles, kinds of members, conditions. Groups are
 * among that, since only Google knows who is in them. Pure.
 * @module
 */
import { conditionHolds } from './condition.ts'

/** As `GET /storage/v1/b/BUCKET/iam?optionsRequestedPolicyVersion=3` answers. */
export interface Policy {
  readonly bindings: readonly Binding[]
}

interface Binding {
  readonly role: string
  readonly members: readonly string[]
  /** An expression that somebody wrote for Google; `undefined`: none. */
  readonly condition: string | undefined
}

/** Who asks, for what. */
export interface PolicyAsk {
  /** Verified addresses. */
  readonly emails: readonly string[]
  readonly bucket: string
  /** Prefix without slashes at its ends; `''`: the whole bucket. */
  readonly under: string
  readonly now: Date
}

/** Roles that hold `storage.objects.get`. */
const reading = new Set(
  ['objectViewer', 'objectUser', 'objectAdmin', 'admin', 'legacyObjectReader', 'legacyObjectOwner'].map(
    (role) => `roles/storage.${role}`,
  ),
)

/** Reads the answer; a binding that is not understood is left out. */
export function readPolicy({ bindings }: Readonly<Record<string, unknown>>): Policy {
  return { bindings: Array.isArray(bindings) ? bindings.flatMap((one: unknown) => readBinding(one) ?? []) : [] }
}

function readBinding(binding: unknown): Binding | undefined {
  if (typeof binding !== 'object' || binding === null) return undefined
  const { role, members, condition } = binding as Readonly<Record<string, unknown>>
  if (typeof role !== 'string' || !Array.isArray(members)) return undefined
  const named = members.filter((one) => typeof one === 'string')
  if (condition === undefined || condition === null) return { role, members: named, condition: undefined }
  const { expression } = condition as { readonly expression?: unknown }
  return typeof expression === 'string' ? { role, members: named, condition: expression } : undefined
}

/** Whether the policy lets them read everything there. */
export function maySee({ bindings }: Policy, ask: PolicyAsk): boolean {
  const mine = membersOf(ask.emails)
  return bindings.some(
    ({ role, members, condition }) =>
      reading.has(role) &&
      members.some((member) => mine.has(plain(member))) &&
      (condition === undefined || conditionHolds(condition, ask)),
  )
}

/** What a policy may call them. Whoever is signed in here counts as one of `allAuthenticatedUsers`. */
function membersOf(emails: readonly string[]): ReadonlySet<string> {
  const own = emails.flatMap((email) => [`user:${email}`, `domain:${email.slice(email.lastIndexOf('@') + 1)}`])
  return new Set(['allusers', 'allauthenticatedusers', ...own.map(plain)])
}

function plain(member: string): string {
  return member.toLowerCase()
}
