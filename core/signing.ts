/**
 * Keeps the signing keys of a Labgate that serves: does what is due, and has the Provider built anew when the set is
 * another, whoever changed it: this process, another one on the same database, or a command.
 * @module
 */
import type { Log } from '@labgate/contract'
import type { Audit } from './observe/audit.ts'
import type { KeyRules, KeyStep } from './oidc/key-stages.ts'
import type { SigningKeys } from './oidc/keys.ts'

/** The site that serves, as far as keys go. */
export interface Signer {
  /** The set that its Provider was built with. */
  ring(): string
  renewProvider(): Promise<void>
}

/** The keeper. */
export interface KeyKeeper {
  /** Looks now. */
  look(): Promise<void>
  /** Looks every so often until it is stopped. */
  start(): void
  stop(): Promise<void>
}

/** How often it looks unasked. A key must be published for longer than this before it signs; the config's check sees to that. */
const lookSeconds = 30

/** Makes the keeper. */
export function createKeyKeeper(needs: {
  readonly keys: Pick<SigningKeys, 'advance' | 'ring'>
  readonly log: Log
  readonly audit: Audit
  rules(): KeyRules
  current(): Signer
  /** Calls back when another process has changed something; answers how to stop that. */
  hear(heard: () => void): () => void
}): KeyKeeper {
  const { keys, log, audit } = needs
  let timer: NodeJS.Timeout | undefined
  let deafen: (() => void) | undefined
  let last: Promise<void> = Promise.resolve()
  const lookOnce = async () => {
    for (const step of await keys.advance(needs.rules())) {
      log.info({ ...step }, wordsFor(step))
      const detail = { alg: step.alg, step: step.do, ...('kid' in step ? { kid: step.kid } : {}) }
      await audit({ type: 'keys.rotated', actor: 'age', detail })
    }
    const site = needs.current()
    if ((await keys.ring()) !== site.ring()) await site.renewProvider()
  }
  const look = () => {
    const mine = last.then(lookOnce)
    last = mine.catch(() => undefined)
    return mine
  }
  const tell = (err: unknown) => log.error({ err }, 'the signing keys could not be looked after')
  return {
    look,
    start() {
      const now = () => void look().catch(tell)
      timer = setInterval(now, lookSeconds * 1000).unref()
      deafen = needs.hear(now)
    },
    async stop() {
      clearInterval(timer)
      deafen?.()
      await last
    },
  }
}

function wordsFor(step: KeyStep): string {
  if (step.do === 'remove') return 'a former signing key is removed: nothing that it signed is alive'
  if (step.do === 'use') return 'the next signing key is in use; the former stays published'
  return step.state === 'next' ? 'the next signing key is published; it does not sign yet' : 'a signing key was made'
}
