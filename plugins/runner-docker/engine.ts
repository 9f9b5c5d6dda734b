/** The engine, and what its answers mean: Docker and Podman say the same things with different words. @module */
import { launchFault } from '@labgate/contract'
import Docker from 'dockerode'
import type { RunnerDockerConfig } from './config.ts'

/** A client of the configured engine; it connects nowhere else and reads no environment. */
export function engineOf(config: RunnerDockerConfig): Docker {
  const { host, tls } = config
  // Longer than any answer of an engine that is well; logs and pulls stream and are not cut by it.
  const timeout = 60_000
  if (host === undefined) return new Docker({ socketPath: config.socket, timeout })
  return new Docker({
    ...{ host, port: config.port, protocol: 'https', timeout },
    ...(tls === undefined ? {} : { ca: tls.ca.reveal(), cert: tls.cert.reveal(), key: tls.key.reveal() }),
  })
}

/** The status an engine answered with; `undefined` when it did not answer. */
export function statusOf(error: unknown): number | undefined {
  const { statusCode } = (error ?? {}) as { statusCode?: unknown }
  return typeof statusCode === 'number' ? statusCode : undefined
}

/** What an engine said, without its stack. */
export function wordsOf(error: unknown): string {
  const { json, message } = (error ?? {}) as { json?: { message?: unknown }; message?: unknown }
  return String(json?.message ?? message ?? error).slice(0, 500)
}

/** Whether something is not there; for an end that is as good as done. */
export function isGone(error: unknown): boolean {
  return statusOf(error) === 404
}

/** Whether a name is taken: Podman answers 500. */
export function isTaken(error: unknown): boolean {
  return statusOf(error) === 409 || (statusOf(error) === 500 && /already in use/i.test(wordsOf(error)))
}

/** A failure of the engine as the person may read it. */
export function engineTrouble(error: unknown) {
  const status = statusOf(error)
  if (status === undefined)
    return launchFault('unreachable', 'The engine of containers does not answer.', {
      hint: 'Try again in a while; an admin can look at it with `labgate doctor`.',
      retryable: true,
      cause: error,
    })
  if (/port is already allocated|address already in use/i.test(wordsOf(error)))
    return launchFault('port', 'A port was taken in the meantime.', {
      hint: 'Try again.',
      retryable: true,
      cause: error,
    })
  if (/no such image|image not known/i.test(wordsOf(error)))
    return launchFault('pull_failed', 'The image of this app is not there.', {
      hint: 'An admin can fetch it, or let it be fetched.',
      cause: error,
    })
  return launchFault('crash', 'The container could not be started.', {
    hint: 'An admin finds the engine’s words in the log.',
    retryable: status >= 500,
    cause: error,
  })
}
