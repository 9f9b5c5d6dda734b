/** The error codes of LabArchives, and what each is for us: a no to the person, a setting to mend, or trouble. @module */
import { Fault } from '@labgate/contract'

/**
 * A no to the person. `wrong`: code or address; `address`: it is none; `withdrawn`: LabArchives knows the UID no more;
 * `over`: the session there has ended; `forbidden`: no right; `busy`: too many ask at once.
 */
export type No = 'wrong' | 'address' | 'withdrawn' | 'over' | 'forbidden' | 'busy'

/** What an error is: a no, or the reason to look at the clock and try once more. */
export type Verdict = { readonly no: No } | { readonly late: true }

const nos: Readonly<Record<number, No>> = {
  4501: 'forbidden',
  4502: 'forbidden',
  4507: 'withdrawn',
  4509: 'forbidden',
  4514: 'wrong',
  4516: 'address',
  4524: 'address',
  4533: 'over',
}

const late = 4504

/** For the operator: what is wrong with our settings, and where to look. */
const settings: Readonly<Record<number, string>> = {
  4504: 'the time of the request is wrong, even after asking LabArchives for its own; check this machine’s clock, loginExpiry and callExpiry',
  4506: 'the access key id is not known there; check accessKeyId, and region: a key works in one region only',
  4520: 'the signature is wrong; check accessPassword and signatureAlgorithm',
}

const mistakes: Readonly<Record<number, string>> = {
  4500: 'a parameter is missing',
  4503: 'there is no such method',
  4529: 'a parameter has a bad value',
}

/** Who was asked, for messages. */
export interface Asked {
  /** `auth-labarchives "id"`. */
  readonly who: string
  readonly host: string
  /** The method. */
  readonly method: string
}

/**
 * What to make of an error code.
 * @throws Fault ERR_UPSTREAM_REFUSED (a setting is wrong), ERR_UPSTREAM (their trouble, or a mistake of this plugin)
 */
export function verdictOf(asked: Asked, code: number): Verdict {
  const no = nos[code]
  if (no !== undefined) return { no }
  if (code === late) return { late: true }
  throw errorFault(asked, code)
}

/** The fault for an error code, in words. The vendor's own description is not repeated: it may echo the request. */
export function errorFault({ who, host, method }: Asked, code: number): Fault {
  const said = `${who}: ${host} answered ${method} with error ${code || 'without a code'}`
  const detail = { host, method, labarchives: code }
  const setting = settings[code]
  if (setting !== undefined) return new Fault('ERR_UPSTREAM_REFUSED', `${said}: ${setting}`, { detail })
  const mistake = mistakes[code]
  if (mistake === undefined) return new Fault('ERR_UPSTREAM', `${said}: trouble on their side`, { detail })
  return new Fault('ERR_UPSTREAM', `${said}: ${mistake}; this is a mistake of the plugin, please report it`, { detail })
}

/** The fault for a no where nobody is there to be told. */
export function lonelyFault(asked: Asked, no: No): Fault {
  const said = `${asked.who}: ${asked.host} turned ${asked.method} down (${no})`
  return new Fault('ERR_UPSTREAM', said, { detail: { host: asked.host, method: asked.method } })
}
