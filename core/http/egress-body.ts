/** The size cap of an answer: counted while it streams, after decompression. @module */

/** What to do when the body is too long or breaks off. */
export interface BodyRules {
  readonly maxBytes: number
  tooLarge(): Error
  /** What a broken stream becomes. */
  failure(error: unknown): unknown
}

function capped(body: ReadableStream<Uint8Array>, rules: BodyRules): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  let seen = 0
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        seen += value.byteLength
        if (seen > rules.maxBytes) throw rules.tooLarge()
        controller.enqueue(value)
      } catch (error) {
        reader.cancel().catch(() => undefined)
        controller.error(rules.failure(error))
      }
    },
    cancel: (reason) => reader.cancel(reason),
  })
}

/** The same response with a body that fails when it is longer than allowed. */
export function capBody(response: Response, rules: BodyRules): Response {
  if (response.body === null) return response
  if (Number(response.headers.get('content-length') ?? 0) > rules.maxBytes) {
    response.body.cancel().catch(() => undefined)
    throw rules.tooLarge()
  }
  const { status, statusText, headers, url } = response
  const copy = new Response(capped(response.body, rules), { status, statusText, headers })
  // A made response has no address; libraries put it in their errors.
  return Object.defineProperty(copy, 'url', { value: url })
}
