/**
 * Faults: the one error class of Labgate and the one table of its codes.
 * A fault is known by its brand, never by `instanceof`, so that a plugin with a second copy of this package still works.
 * @module
 */

/** One row of the table: the HTTP status it becomes, and whether its message is written for the person at the browser. */
export interface FaultRow {
  readonly status: number
  /** `true`: the message is plain words for the person. `false`: it is for the operator; a response carries code and request id only. */
  readonly shown: boolean
}

/** Every fault code. `docs/errors.md` has the same rows with cause and mend. A retired code is noted there and never reused. */
export const faults = {
  ERR_CONFIG: { status: 500, shown: false },
  ERR_PLUGIN: { status: 500, shown: false },
  ERR_STORAGE: { status: 503, shown: false },
  ERR_KEYS: { status: 500, shown: false },
  ERR_UPSTREAM: { status: 502, shown: false },
  ERR_UPSTREAM_REFUSED: { status: 502, shown: false },
  ERR_EGRESS: { status: 502, shown: false },
  ERR_MAIL: { status: 502, shown: false },
  ERR_INTERNAL: { status: 500, shown: false },
  ERR_LOGIN_DENIED: { status: 403, shown: true },
  ERR_LOGIN_EXPIRED: { status: 400, shown: true },
  ERR_LOGIN_REPLAYED: { status: 400, shown: true },
  ERR_LOGIN_OTHER_BROWSER: { status: 400, shown: true },
  ERR_LOGIN_UNVERIFIED: { status: 403, shown: true },
  ERR_ADMISSION: { status: 403, shown: true },
  ERR_ACCOUNT_PENDING: { status: 403, shown: true },
  ERR_ACCOUNT_INACTIVE: { status: 403, shown: true },
  ERR_LINK_TAKEN: { status: 409, shown: true },
  ERR_INPUT: { status: 400, shown: true },
  ERR_CSRF: { status: 403, shown: true },
  ERR_FORBIDDEN: { status: 403, shown: true },
  ERR_UNAUTHENTICATED: { status: 401, shown: true },
  ERR_NOT_FOUND: { status: 404, shown: true },
  ERR_METHOD: { status: 405, shown: true },
  ERR_CONFLICT: { status: 409, shown: true },
  ERR_TOO_LARGE: { status: 413, shown: true },
  ERR_MEDIA_TYPE: { status: 415, shown: true },
  ERR_RATE: { status: 429, shown: true },
  ERR_HOST: { status: 421, shown: true },
  ERR_LAUNCH: { status: 503, shown: true },
  ERR_METHOD_DOWN: { status: 503, shown: true },
} as const satisfies Record<string, FaultRow>

/** A code of the table of faults. */
export type FaultCode = keyof typeof faults

const brand: unique symbol = Symbol.for('labgate.fault') as never

/** What a fault carries besides its code and message. */
export interface FaultOptions {
  /** Facts for the log. Never a secret, a token or a code. */
  readonly detail?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
  /** Seconds after which another try makes sense (`Retry-After`, RFC 9110 §10.2.3). */
  readonly retryAfterSeconds?: number
}

/** Something went wrong in a way that was foreseen. Anything else that is thrown is a bug, and the person sees only a reference id. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode
  readonly detail: Readonly<Record<string, unknown>>
  readonly retryAfterSeconds: number | undefined
  readonly [brand] = true

  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = options.detail ?? {}
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  get status(): number {
    return faults[this.code].status
  }

  get shown(): boolean {
    return faults[this.code].shown
  }
}

/** Whether a thrown value is a fault, of this copy of the contract or of another. */
export function isFault(error: unknown): error is Fault {
  return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true
}
