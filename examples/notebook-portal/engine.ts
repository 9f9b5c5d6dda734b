/** Whether the engine of the config is there and has the image, asked before anything is started. @module */
import { request } from 'node:http'
import type { LoadedConfig } from '@labgate/core'

/** @throws Error that says what to install or to do */
export async function assertEngine({ plugins, workspaces }: LoadedConfig['config']): Promise<void> {
  const { socket } = (plugins.docker?.config ?? {}) as { socket?: string }
  const image = workspaces.profiles.notebook?.image
  if (socket === undefined || image === undefined)
    throw new Error('the config needs a plugin `docker` with a `socket`, and a profile `notebook` with an `image`')
  const status = await ask(socket, `/images/${image}/json`).catch((cause: Error) => {
    throw new Error(
      `no Docker engine answers at ${socket} (${cause.message}). Install one, or Podman, and let this user write to its socket; examples/notebook-portal/README.md says how`,
      { cause },
    )
  })
  if (status !== 200)
    throw new Error(
      `the engine has no image ${image}. Make it first: docker build -t ${image} examples/notebook-portal`,
    )
}

function ask(socketPath: string, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: 5000, headers: { host: 'docker' } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    asked.once('timeout', () => asked.destroy(new Error('it does not answer')))
    asked.once('error', reject)
    asked.end()
  })
}
