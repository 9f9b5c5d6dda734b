/** What the reverse proxies that stand before Labgate in the tests have in common. @module */
import { type Certificate, makeCertificate } from './certificate.ts'
import { freePort, startProgram, tempFolder } from './program.ts'

/** What a reverse proxy of the tests is asked for. */
export interface FrontOptions {
  /** Where it sends requests: `http://127.0.0.1:8080`, or `unix:/path/to/socket`. */
  readonly upstream: string
  /** HTTPS with a certificate of its own; default true. */
  readonly tls?: boolean
  /** Port to listen on, when the issuer had to be known before; default a free one. */
  readonly port?: number
  /** Host names beside `localhost` it answers to. */
  readonly names?: readonly string[]
}

/** A running reverse proxy. */
export interface Front {
  /** `https://localhost:PORT`. */
  readonly origin: string
  readonly port: number
  /** PEM to trust; `undefined` without TLS. */
  readonly ca: string | undefined
  /** What it printed so far. */
  output(): string
  close(): Promise<void>
}

/** What a proxy's configuration is written from. */
export interface Ground {
  readonly folder: string
  readonly port: number
  readonly upstream: string
  readonly names: readonly string[]
  readonly certificate: Certificate | undefined
}

/** How one proxy is configured and started. */
export interface Recipe {
  readonly command: string
  readonly env?: (ground: Ground) => Readonly<Record<string, string>>
  /** Writes the configuration and returns the arguments. */
  readonly prepare: (ground: Ground) => Promise<readonly string[]>
}

/** Starts a reverse proxy by its recipe, in a temporary folder that goes with it. */
export async function startFront(recipe: Recipe, options: FrontOptions): Promise<Front> {
  const folder = await tempFolder()
  const names = options.names ?? []
  const tls = options.tls ?? true
  try {
    const certificate = tls ? await makeCertificate(folder.path, names) : undefined
    const port = options.port ?? (await freePort())
    const ground: Ground = { folder: folder.path, port, upstream: options.upstream, names, certificate }
    const args = await recipe.prepare(ground)
    const program = await startProgram({ command: recipe.command, args, port, env: recipe.env?.(ground) ?? {} })
    return {
      origin: `${tls ? 'https' : 'http'}://localhost:${port}`,
      port,
      ca: certificate?.ca,
      output: program.output,
      close: () => program.close().finally(folder.remove),
    }
  } catch (error) {
    await folder.remove()
    throw error
  }
}
