/** Pinned host keys: what the config lists, and whether a presented key is among them. Nothing is trusted on first use. @module */
import { createHash } from 'node:crypto'
import { Fault } from '@labgate/contract'
import ssh2, { type ServerHostKeyAlgorithm } from 'ssh2'

/** The keys a host may present. */
export interface Pins {
  /** Fingerprints as `ssh-keygen -l` prints them, without `=` at the end. */
  readonly fingerprints: ReadonlySet<string>
  /** The key types of the pins, when all of them are whole keys: then the host is asked for one of these only. */
  readonly types: readonly string[] | undefined
}

/** A host key as a host presented it. */
export interface PresentedKey {
  readonly type: string
  readonly fingerprint: string
}

const fingerprintPattern = /^SHA256:([A-Za-z0-9+/]{43})=?$/

/**
 * Reads the list of the config: `SHA256:…` fingerprints, or lines of a public key file.
 * @throws Fault ERR_CONFIG when a line is neither, or there is none
 */
export function pinsOf(lines: readonly string[], host: string): Pins {
  if (lines.length === 0)
    throw new Fault('ERR_CONFIG', `ssh ${host}: \`hostKeys\` is empty; list what ssh-keyscan shows`)
  const pins = lines.map((line) => pinOf(line.trim(), host))
  const types = pins.map(({ type }) => type)
  return {
    fingerprints: new Set(pins.map(({ fingerprint }) => fingerprint)),
    types: types.every((type) => type !== undefined) ? [...new Set(types)] : undefined,
  }
}

/** The type and fingerprint of a key in the SSH wire format (RFC 4253 §6.6). */
export function presented(key: Uint8Array): PresentedKey {
  const bytes = Buffer.from(key)
  const length = bytes.length >= 4 ? bytes.readUInt32BE(0) : 0
  const type = bytes.subarray(4, 4 + Math.min(length, 64)).toString('latin1')
  return { type: /^[a-z0-9@.-]+$/.test(type) ? type : 'unknown', fingerprint: fingerprintOf(bytes) }
}

/** The signature algorithms to offer, the newest first; SHA-1 is not among them. */
export function hostKeyAlgorithms({ types }: Pins): ServerHostKeyAlgorithm[] {
  const all: readonly (readonly [type: string, algorithms: readonly ServerHostKeyAlgorithm[]])[] = [
    ['ssh-ed25519', ['ssh-ed25519']],
    ['ecdsa-sha2-nistp256', ['ecdsa-sha2-nistp256']],
    ['ecdsa-sha2-nistp384', ['ecdsa-sha2-nistp384']],
    ['ecdsa-sha2-nistp521', ['ecdsa-sha2-nistp521']],
    ['ssh-rsa', ['rsa-sha2-512', 'rsa-sha2-256']],
  ]
  return all.flatMap(([type, algorithms]) => (types === undefined || types.includes(type) ? algorithms : []))
}

function pinOf(line: string, host: string): { readonly fingerprint: string; readonly type: string | undefined } {
  const [, digest] = fingerprintPattern.exec(line) ?? []
  if (digest !== undefined) return { fingerprint: `SHA256:${digest}`, type: undefined }
  const key = ssh2.utils.parseKey(line)
  if (key instanceof Error || key.isPrivateKey())
    throw new Fault(
      'ERR_CONFIG',
      `ssh ${host}: a line of \`hostKeys\` is neither a SHA256: fingerprint nor a public key; take one from ssh-keyscan ${host}`,
    )
  return { fingerprint: fingerprintOf(key.getPublicSSH()), type: key.type }
}

function fingerprintOf(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replaceAll('=', '')}`
}
