/** One SSH connection to one host, up to the accepted sign-in; the host's key is judged before anything else is said. @module */
import type { Duplex } from 'node:stream'
import { Fault } from '@labgate/contract'
import ssh2, { type Algorithms, type Client, type ConnectConfig } from 'ssh2'
import type { SshJump } from './config.ts'
import { hostKeyAlgorithms, type Pins, pinsOf, presented } from './host-keys.ts'
import { connectFault, sshFault, wrongHostKey } from './trouble.ts'

/** A host with its pins read and its key opened. */
export interface Hop {
  /** `user@host:port`, for messages. */
  readonly at: string
  readonly place: SshJump
  readonly pins: Pins
}

/** How one hop is made. */
export interface HopOptions {
  readonly signal: AbortSignal
  readonly keepaliveSeconds: number
  /** The way through the hop before; absent: a TCP connection. */
  readonly through?: Duplex
}

// What was not broken when this was written: no SHA-1, no CBC, nothing of less than 128 bits.
const algorithms: Algorithms = {
  kex: [
    ...(['curve25519-sha256', 'curve25519-sha256@libssh.org'] as const),
    ...(['ecdh-sha2-nistp256', 'ecdh-sha2-nistp384', 'ecdh-sha2-nistp521'] as const),
    ...(['diffie-hellman-group-exchange-sha256', 'diffie-hellman-group16-sha512'] as const),
    ...(['diffie-hellman-group18-sha512', 'diffie-hellman-group14-sha256'] as const),
  ],
  cipher: [
    ...(['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'] as const),
    ...(['aes128-ctr', 'aes192-ctr', 'aes256-ctr'] as const),
  ],
  hmac: [
    ...(['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com'] as const),
    ...(['hmac-sha2-256', 'hmac-sha2-512'] as const),
  ],
}

/**
 * Reads pins and key of a host.
 * @throws Fault ERR_CONFIG: a pin that is none, no key and no agent, a key that cannot be opened
 */
export function hopOf(place: SshJump): Hop {
  const at = `${place.user}@${place.host}:${place.port}`
  const pins = pinsOf(place.hostKeys, place.host)
  if (hostKeyAlgorithms(pins).length === 0)
    throw new Fault('ERR_CONFIG', `ssh ${at}: no key of \`hostKeys\` is of a type that can be used`)
  if (!place.key && !place.agent)
    throw new Fault('ERR_CONFIG', `ssh ${at}: neither \`key\` nor \`agent\` is set; there is no way to sign in`)
  if (place.key) {
    const key = ssh2.utils.parseKey(place.key.reveal(), place.passphrase?.reveal())
    if (key instanceof Error || !key.isPrivateKey())
      throw new Fault(
        'ERR_CONFIG',
        `ssh ${at}: \`key\` is not a private key that can be opened; check that it is whole, and \`passphrase\``,
      )
  }
  return { at, place, pins }
}

/**
 * Connects to one host and signs in.
 * @throws Fault ERR_UPSTREAM, ERR_UPSTREAM_REFUSED with `detail.trouble`
 */
export function openHop(hop: Hop, options: HopOptions): Promise<Client> {
  const { signal } = options
  const client = new ssh2.Client()
  const { promise, resolve, reject } = Promise.withResolvers<Client>()
  // The first word counts: after a refused host key ssh2 goes on to report a lost connection.
  let refused: Fault | undefined
  const verify = (key: Buffer): boolean => {
    const seen = presented(key)
    if (hop.pins.fingerprints.has(seen.fingerprint)) return true
    refused = wrongHostKey(hop.at, seen)
    return false
  }
  const fail = (error: unknown): void => {
    reject(error)
    client.destroy()
  }
  const abort = (): void => fail(signal.reason)
  // Questions and answers are small: without this each waits 40 ms for another to go with it.
  client.on('connect', () => client.setNoDelay(true))
  client.on('ready', () => resolve(client))
  // Stays for the client's whole life: an 'error' without a listener would end the process.
  client.on('error', (error) => fail(refused ?? connectFault(hop.at, error)))
  client.on('close', () =>
    fail(refused ?? sshFault(hop.at, 'lost', { message: 'it ended the connection while signing in' })),
  )
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  else client.connect(configOf(hop, { ...options, verify }))
  return promise.finally(() => signal.removeEventListener('abort', abort))
}

function configOf(
  { place, pins }: Hop,
  { keepaliveSeconds, through, verify }: HopOptions & { readonly verify: (key: Buffer) => boolean },
): ConnectConfig {
  return {
    host: place.host,
    port: place.port,
    username: place.user,
    ...(place.key ? { privateKey: place.key.reveal() } : { agent: place.agent ?? '' }),
    ...(place.key && place.passphrase ? { passphrase: place.passphrase.reveal() } : {}),
    ...(through ? { sock: through } : {}),
    algorithms: { ...algorithms, serverHostKey: hostKeyAlgorithms(pins) },
    hostVerifier: verify,
    // Ours is the one time limit, over all hops.
    readyTimeout: 0,
    keepaliveInterval: keepaliveSeconds * 1000,
    keepaliveCountMax: 3,
  }
}
