/**
 * Neuroglancer's side of ngauth as its credentials providers do it: the token by cookie, the popup, the credential for a bucket,
 * the object. Like a browser it reads no answer that lacks the right CORS headers.
 * @module
 */

/** What became of a step. */
export type Heard = { readonly status: number; readonly text: string } | 'network error'

/** Where the popup's message would go, and what it says. */
export interface PopupMessage {
  readonly data: unknown
  readonly targetOrigin: string
}

/** One Neuroglancer, on a page of its own, in the browser whose cookies `cookie` gives. */
export class Neuroglancer {
  readonly #server: string
  readonly #origin: string
  readonly #cookie: () => string

  constructor(at: { readonly server: string; readonly origin: string; readonly cookie?: () => string }) {
    this.#server = at.server
    this.#origin = at.origin
    this.#cookie = at.cookie ?? (() => '')
  }

  /** A: a simple request with credentials. */
  async token(): Promise<Heard> {
    const cookie = this.#cookie()
    const headers = { origin: this.#origin, 'sec-fetch-site': 'cross-site', ...(cookie === '' ? {} : { cookie }) }
    return this.#read(await fetch(`${this.#server}/token`, { method: 'POST', headers }), 'include')
  }

  /** B: where the popup goes. */
  get popup(): string {
    return `${this.#server}/login?origin=${encodeURIComponent(this.#origin)}`
  }

  /** D: plain text for the browser, JSON for the server. */
  async credential(token: string, bucket: string): Promise<Heard> {
    const answer = await fetch(`${this.#server}/gcs_token`, {
      method: 'POST',
      headers: {
        ...{ origin: this.#origin, 'sec-fetch-site': 'cross-site', 'content-type': 'text/plain;charset=UTF-8' },
      },
      body: JSON.stringify({ token, bucket }),
    })
    return this.#read(answer, 'omit')
  }

  /** E: an object of the bucket; `undefined` is what Neuroglancer takes for a file that is missing. */
  async object(storage: string, of: { bucket: string; name: string; credential: string }): Promise<string | undefined> {
    const url = `${storage}/storage/v1/b/${of.bucket}/o/${encodeURIComponent(of.name)}?alt=media&neuroglancer=${Math.random()}`
    const answer = await fetch(url, { headers: { authorization: `Bearer ${of.credential}`, origin: this.#origin } })
    const text = await answer.text()
    if (answer.status === 403 || answer.status === 404) return undefined
    if (!answer.ok) throw new Error(`storage answered ${answer.status}`)
    return text
  }

  async #read(answer: Response, credentials: 'include' | 'omit'): Promise<Heard> {
    const allowed = answer.headers.get('access-control-allow-origin')
    const text = await answer.text()
    const isOurs = allowed === this.#origin && answer.headers.get('access-control-allow-credentials') === 'true'
    const isReadable = credentials === 'include' ? isOurs : allowed === '*' || allowed === this.#origin
    return isReadable ? { status: answer.status, text } : 'network error'
  }
}

/** C: what a page of the popup posts to the window that opened it. */
export function messageOn(page: string): PopupMessage | undefined {
  const read = (name: string): unknown => {
    const written = new RegExp(`<script [^>]*data-${name}="([^"]*)"`).exec(page)?.[1]
    return written === undefined ? undefined : JSON.parse(written.replaceAll('&quot;', '"').replaceAll('&amp;', '&'))
  }
  const origins = read('origins')
  if (!Array.isArray(origins) || origins.length !== 1) return undefined
  return { data: read('message'), targetOrigin: String(origins[0]) }
}
