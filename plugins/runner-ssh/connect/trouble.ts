/** What goes wrong over SSH, as faults that say which host, what, and how to mend it, and never what a key or passphrase is. @module */
import { Fault, type FaultCode, isFault } from '@labgate/contract'
import type { PresentedKey } from './host-keys.ts'

/** Kinds of trouble; `detail.trouble` of every fault of this library but config errors. */
export type Trouble =
  /** The host presented a key that is not pinned. */
  | 'host-key'
  /** The host did not take the key. */
  | 'authentication'
  /** Nobody there, or no way to it. */
  | 'unreachable'
  /** No answer in time. */
  | 'timeout'
  /** The connection ended while something was under way. */
  | 'lost'
  /** Whoever asked gave up. */
  | 'aborted'
  /** More came than was allowed for. */
  | 'limit'
  /** The host answered that it will not or cannot. */
  | 'refused'
  /** There is no such file or folder. */
  | 'missing'

const codes: Readonly<Record<Trouble, FaultCode>> = {
  'host-key': 'ERR_UPSTREAM_REFUSED',
  authentication: 'ERR_UPSTREAM_REFUSED',
  refused: 'ERR_UPSTREAM_REFUSED',
  missing: 'ERR_UPSTREAM_REFUSED',
  unreachable: 'ERR_UPSTREAM',
  timeout: 'ERR_UPSTREAM',
  lost: 'ERR_UPSTREAM',
  aborted: 'ERR_UPSTREAM',
  limit: 'ERR_UPSTREAM',
}

/** A fault of one host. */
export function sshFault(
  at: string,
  trouble: Trouble,
  more: { readonly message: string; readonly cause?: unknown },
): Fault {
  return new Fault(codes[trouble], `ssh ${at}: ${more.message}`, {
    detail: { host: at, trouble },
    ...(more.cause === undefined ? {} : { cause: more.cause }),
  })
}

/** The kind of trouble a fault of this library tells of; `undefined` for any other error. */
export function troubleOf(error: unknown): Trouble | undefined {
  const trouble = isFault(error) ? error.detail.trouble : undefined
  // The table of codes has every kind as a key, so a word that is in it is one.
  return typeof trouble === 'string' && Object.hasOwn(codes, trouble) ? (trouble as Trouble) : undefined
}

/** Text of the other side, fit for one line of a log. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, 200)
}

/** The host presented a key that is not pinned. */
export function wrongHostKey(at: string, key: PresentedKey): Fault {
  return sshFault(at, 'host-key', {
    message:
      `it presented the host key ${key.type} ${key.fingerprint}, which \`hostKeys\` does not list; somebody may stand in ` +
      'between. Compare it with what `ssh-keygen -lf` prints on the host itself, and list it only if it is the same',
  })
}

/** What ssh2 reports while a connection is made, as a fault. */
export function connectFault(at: string, error: Error & { readonly level?: string; readonly code?: unknown }): Fault {
  if (isFault(error)) return error
  const said = oneLine(error.message)
  if (error.level === 'client-authentication')
    return sshFault(at, 'authentication', {
      message: 'it did not accept the key for this user; check `user`, `key` (or `agent`) and its authorized_keys',
      cause: error,
    })
  if (error.level === 'agent')
    return sshFault(at, 'authentication', {
      message: `the SSH agent did not help (${said}); check \`agent\``,
      cause: error,
    })
  if (error.level === 'client-timeout')
    return sshFault(at, 'timeout', { message: 'it stopped answering; check the host and the network', cause: error })
  if (error.level === 'handshake')
    return sshFault(at, 'refused', {
      message: `no common ground (${said}); the host must offer a key of a pinned type and an algorithm without SHA-1`,
      cause: error,
    })
  return sshFault(at, 'unreachable', {
    message: `no connection (${said}); check \`host\`, \`port\` and the network`,
    cause: error,
  })
}
