/** Whether an image is there, and how it gets there. @module */
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { type Launch, launchFault } from '@labgate/contract'
import { isGone, wordsOf } from './engine.ts'
import type { Ground } from './ground.ts'

/** Fetches an image where the policy says so. @throws Fault ERR_LAUNCH (pull_failed); whatever when the signal aborts */
export async function fetchImage(
  { engine, config }: Ground,
  image: string,
  { signal, progress }: Pick<Launch<never>, 'signal' | 'progress'>,
): Promise<void> {
  const isThere = () =>
    engine.ask
      .getImage(image)
      .inspect()
      .then(
        () => true,
        (error: unknown) => {
          if (isGone(error)) return false
          throw error
        },
      )
  const wasThere = await isThere()
  if (wasThere && config.pull !== 'always') return
  if (config.pull === 'never')
    throw launchFault('pull_failed', 'The image of this app is not there.', {
      hint: 'An admin loads it into the engine; here nothing is fetched by itself.',
    })
  signal.throwIfAborted()
  progress(`Fetches ${image}.`)
  try {
    await pull(engine.wait, image, signal)
  } catch (error) {
    signal.throwIfAborted()
    throw pullTrouble(wordsOf(error))
  }
  // An engine may end its answer without having said what went wrong.
  if (!(await isThere())) throw pullTrouble('the engine has no image after the pull')
}

/** The engine stops fetching when nobody listens any more. */
async function pull(engine: Ground['engine']['wait'], image: string, signal: AbortSignal): Promise<void> {
  const answer = await engine.pull(image, { abortSignal: signal })
  // The client's own type of it is older than what it gives.
  const stream = new Readable({ signal }).wrap(answer as NodeJS.ReadableStream)
  try {
    for await (const line of createInterface({ input: stream })) {
      if (line.trim() === '') continue
      const { error } = JSON.parse(line) as { error?: string }
      if (error !== undefined) throw new Error(error)
    }
    signal.throwIfAborted()
  } finally {
    stream.destroy()
    ;(answer as unknown as { destroy(): void }).destroy()
  }
}

function pullTrouble(cause: string) {
  const isRefused = /denied|unauthorized|authentication required|forbidden/i.test(cause)
  return launchFault(isRefused ? 'auth' : 'pull_failed', 'The image of this app could not be fetched.', {
    hint: isRefused
      ? 'Its registry does not let the engine in; an admin can load the image by hand.'
      : 'The registry may be down, or not have it. Try again in a while.',
    retryable: !isRefused,
    cause,
  })
}
