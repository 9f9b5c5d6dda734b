/**
 * How sign-ins go: those that were finished, and those that failed through no fault of the person. What somebody can
 * bring about at will (a wrong code, a denial, a page left open too long) is not counted: it must decide nothing here.
 * @module
 */
import { type Clock, isFault } from '@labgate/contract'

/** Counts of a time. */
export interface SignInCounts {
  readonly done: number
  readonly failed: number
}

/** Remembers the last sign-ins, for those who ask whether something broke. */
export interface SignInWatch {
  note(outcome: 'done' | 'failed'): void
  /** Counts from an instant on, to another or to now. */
  since(from: Date, to?: Date): SignInCounts
  /** Hears of each that failed; one listener, the last one given. */
  onFailed(listener: () => void): void
}

const most = 20_000

/** Makes the watch. */
export function createSignInWatch({ clock }: { readonly clock: Clock }): SignInWatch {
  const seen: { readonly at: number; readonly outcome: 'done' | 'failed' }[] = []
  let tell: () => void = () => undefined
  return {
    note(outcome) {
      seen.push({ at: clock.now().getTime(), outcome })
      if (seen.length > most) seen.splice(0, most / 2)
      if (outcome === 'failed') tell()
    },
    since(from, to) {
      const [begin, end] = [from.getTime(), to?.getTime() ?? Number.POSITIVE_INFINITY]
      const within = seen.filter(({ at }) => at >= begin && at < end)
      const failed = within.filter(({ outcome }) => outcome === 'failed').length
      return { done: within.length - failed, failed }
    },
    onFailed(listener) {
      tell = listener
    },
  }
}

/** Refusals of an upstream that are about us and not about the person (RFC 6749 §5.2). */
const aboutUs = new Set(['invalid_client', 'unauthorized_client'])
const houseFaults = new Set(['ERR_CONFIG', 'ERR_PLUGIN', 'ERR_KEYS', 'ERR_MAIL', 'ERR_EGRESS', 'ERR_INTERNAL'])

/**
 * Whether what a way to sign in threw says that it does not work here. At its beginning nothing came from the person
 * but a click; later on only what names our own credentials or settings counts.
 */
export function isHouseTrouble(error: unknown, at: 'begin' | 'later'): boolean {
  if (!isFault(error)) return at === 'begin'
  if (error.shown) return false
  if (at === 'begin' || houseFaults.has(error.code)) return true
  return error.code === 'ERR_UPSTREAM_REFUSED' && aboutUs.has(String(error.detail.error))
}

/**
 * Whether a mail of a sign-in did not leave through no fault of the person: no server, no TLS, wrong credentials, our
 * sender refused. A recipient or a message that is refused counts for nothing: whoever types an address brings it about.
 */
export function isMailTrouble(error: unknown): boolean {
  if (!isFault(error) || error.code !== 'ERR_MAIL') return false
  const { code, command } = error.detail
  return code === 'EENVELOPE' ? command === 'MAIL' : code !== 'EMESSAGE'
}
