/** A real notebook in a container of an engine of the test's own. @module */
import type { Engine } from './engine.ts'
import { loadPackages } from './images.ts'
import { walkNotebook } from './notebook-walk.ts'

/** An image with Debian's notebook and its kernel, as `jupyter notebook` is found in Jupyter's own images. */
export const notebookImage = {
  name: 'labgate-test/notebook:1',
  packages: ['jupyter-notebook', 'python3-ipykernel', 'jupyter-core'],
} as const

/** Goes the whole way with a notebook in a container; the engine is closed at the end. */
export async function walkEngineNotebook(engine: Engine): Promise<void> {
  try {
    const image = await loadPackages(engine.client, notebookImage)
    await walkNotebook({
      plugins: {
        engine: { use: '@labgate/runner-docker', config: { socket: engine.socket, bind: engine.bind, pull: 'never' } },
      },
      runner: 'engine',
      profile: { image, sizes: { small: { memory: '512m', cpus: 2 } }, user: { uid: 1000, gid: 1000 } },
      left: async (id) => {
        const all = await engine.client.listContainers({ all: true })
        return all.map(({ Names, Labels }) => JSON.stringify([Names, Labels])).filter((words) => words.includes(id))
      },
    })
  } finally {
    await engine.close()
  }
}
