/** The engine, and what its answers mean: Docker and Podman say the same things with different words. @module */
import { Fault, isFault, launchFault } from '@labgate/contract'
import Docker from 'dockerode'
import type { RunnerDockerConfig } from './config.ts'

/** Two clients of one engine. */
export interface Engine {
  /** For questions: no answer within `timeout` is a failure. */
  readonly ask: Docker
  /** For what may be silent for long: pulls, logs, stops, archives. */
  readonly wait: Docker
}

/** Clients of the configured engine; they connect nowhere else. @throws Fault ERR_CONFIG (a host without certificates) */
export function engineOf(config: RunnerDockerConfig): Engine {
  const { host, tls } = config
  if (host !== undefined && tls === undefined)
    throw new Fault(
      'ERR_CONFIG',
      'runner-docker: `host` needs `tls`; whoever reaches an engine without it is root there',
    )
  const made = new Map<number, Docker>()
  const client = (timeout: number) => {
    const there = made.get(timeout) ?? clientOf(config, timeout)
    made.set(timeout, there)
    return there
  }
  return {
    get ask() {
      return client(config.timeout * 1000)
    },
    get wait() {
      return client(0)
    },
  }
}

function clientOf({ host, port, socket, tls }: RunnerDockerConfig, timeout: number): Docker {
  // What is not named here, the client takes from DOCKER_HOST and its like.
  const nothing = { host: undefined, port: undefined, ca: undefined, cert: undefined, key: undefined, pathPrefix: '/' }
  if (host === undefined) return new Docker({ ...nothing, protocol: 'http', socketPath: socket, timeout })
  const certificates = tls && { ca: tls.ca.reveal(), cert: tls.cert.reveal(), key: tls.key.reveal() }
  return new Docker({ ...nothing, protocol: 'https', host, port, ...certificates, timeout })
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

/** Whether somebody else removes it at this moment. */
export function isBeingRemoved(error: unknown): boolean {
  return /already in progress|being removed|is in the process of/i.test(wordsOf(error))
}

/** A failure of the engine as the person may read it; what is no answer and no silence of it stays what it is. */
export function engineTrouble(error: unknown): unknown {
  if (isFault(error) || error instanceof TypeError) return error
  const status = statusOf(error)
  if (status === undefined && typeof (error as { code?: unknown } | undefined)?.code !== 'string') return error
  if (status === undefined)
    return launchFault('unreachable', 'The engine of containers does not answer.', {
      hint: 'Try again in a while; an admin can look at it with `labgate doctor`.',
      retryable: true,
      cause: error,
    })
  const words = wordsOf(error)
  if (/port is already allocated|address already in use/i.test(words))
    return launchFault('port', 'A port was taken in the meantime.', {
      hint: 'Try again.',
      retryable: true,
      cause: error,
    })
  if (/no such image|image not known/i.test(words))
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
