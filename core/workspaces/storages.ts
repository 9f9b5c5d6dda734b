/** Downloads of what people have stored: one at a time for each, whoever asks and by whatever way. @module */
import { Fault } from '@labgate/contract'

/** Media type of an archive. */
export const archiveType = 'application/x-tar'

/** How an archive is called. */
export function nameOfArchive(profile: string): string {
  return `storage-${profile}.tar`
}

/** Downloads that are under way in this process. */
export interface Downloads {
  /** @throws Fault ERR_RATE while another one of this person is under way */
  assertFree(account: string): void
  /** The parts, which take the person's place from the first one asked for until the last one, a failure or a parting. */
  one(account: string, parts: () => AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
}

/** Makes the book of downloads. */
export function createDownloads(): Downloads {
  const busy = new Set<string>()
  const assertFree = (account: string): void => {
    if (busy.has(account)) throw new Fault('ERR_RATE', 'A download of this storage is under way. One at a time.')
  }
  return {
    assertFree,
    async *one(account, parts) {
      assertFree(account)
      busy.add(account)
      try {
        yield* parts()
      } finally {
        busy.delete(account)
      }
    },
  }
}
