/** Asks a check of the ledger whether it would take a value. @module */
import { isFault } from '@labgate/contract'

/** Whether a check passes; what it says when it does not is left out. */
export function isAllowed(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch (error) {
    if (isFault(error)) return false
    throw error
  }
}
