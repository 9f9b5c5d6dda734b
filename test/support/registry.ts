/** A small registry of images on loopback: one good image, one that is secret, one that is torn. @module */
import { createHash } from 'node:crypto'
import { createServer, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { extract } from 'tar-stream'

/** A running registry. */
export interface Registry {
  /** `lab/tool:1` is there; `lab/secret:1` is refused, `lab/torn:1` breaks off, others are not known. */
  readonly host: string
  /** How many requests came so far. */
  asked(): number
  close(): Promise<void>
}

/** Starts one that has an image which the engine has, too. */
export async function startRegistry(client: Docker, image: string): Promise<Registry> {
  const { config, layer } = await partsOf(client, image)
  const blobs = new Map([config, layer].map((content) => [digestOf(content), content]))
  // What comes is not what its digest says.
  const torn = digestOf(Buffer.from('something else'))
  blobs.set(torn, Buffer.alloc(layer.length))
  // An engine that has the config asks for no layers: the torn image has one of its own.
  const other = Buffer.concat([config, Buffer.from(' ')])
  blobs.set(digestOf(other), other)
  const manifestWith = (config: Buffer, digest: string) =>
    Buffer.from(
      JSON.stringify({
        ...{ schemaVersion: 2, mediaType: manifestType },
        config: part('container.image.v1+json', { size: config.length, digest: digestOf(config) }),
        layers: [part('image.rootfs.diff.tar', { size: layer.length, digest })],
      }),
    )
  const manifests = new Map([
    ['lab/tool', manifestWith(config, digestOf(layer))],
    ['lab/torn', manifestWith(other, torn)],
  ])
  let asked = 0
  const server = createServer((request, response) => {
    asked += 1
    const [, repository = '', kind, reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(request.url ?? '') ?? []
    if (request.url === '/v2/') return response.end('{}')
    if (repository === 'lab/secret') return refuse(response, 401, 'UNAUTHORIZED')
    const manifest = manifests.get(repository)
    const content = kind === 'blobs' ? blobs.get(reference) : manifest
    if (manifest === undefined || content === undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN')
    const headers = { 'docker-content-digest': digestOf(content), 'content-length': content.length }
    response.writeHead(200, {
      ...headers,
      'content-type': kind === 'manifests' ? manifestType : 'application/octet-stream',
    })
    if (request.method === 'HEAD') return response.end()
    return response.end(content)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  return {
    host: `127.0.0.1:${port}`,
    asked: () => asked,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

function part(type: string, is: { readonly size: number; readonly digest: string }) {
  return { mediaType: `application/vnd.docker.${type}`, ...is }
}

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json'

function refuse(response: ServerResponse, status: number, code: string): void {
  if (status === 401) response.setHeader('www-authenticate', 'Basic realm="lab"')
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ errors: [{ code, message: code }] }))
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

/** Config and only layer of an image, as `docker save` writes them. */
async function partsOf(client: Docker, image: string): Promise<{ config: Buffer; layer: Buffer }> {
  const files = new Map<string, Buffer>()
  const reader = extract()
  const saved = await client.getImage(image).get()
  saved.pipe(reader as unknown as NodeJS.WritableStream)
  for await (const entry of reader) files.set(entry.header.name, await buffer(entry as AsyncIterable<Buffer>))
  const [{ Config, Layers }] = JSON.parse(String(files.get('manifest.json'))) as [{ Config: string; Layers: string[] }]
  const [config, layer] = [files.get(Config), files.get(Layers[0] ?? '')]
  if (config === undefined || layer === undefined) throw new Error(`${image} was not saved`)
  return { config, layer }
}
