/** Answers of an upstream that is not well, as the core's guarded fetch hands them on. @module */
import { Fault } from '@labgate/contract'

type Fetch = typeof globalThis.fetch

/** Upstreams by what is wrong with them. */
export const badUpstreams: Readonly<Record<string, Fetch>> = {
  'is down': () => Promise.reject(new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })),
  'is not allowed to be reached': () => Promise.reject(new Fault('ERR_EGRESS', 'egress: the address is not allowed')),
  'does not answer in time': () => Promise.reject(new Fault('ERR_UPSTREAM', 'no answer within 10 s')),
  'answers 500': async () => answer('{"error":"server_error"}', 'application/json', 500),
  'answers 500 without a body': async () => new Response(null, { status: 500 }),
  'answers HTML': async () => answer('<!doctype html><title>Maintenance</title>', 'text/html', 200),
  'answers JSON that breaks off': async () => answer('{"access_token":"', 'application/json', 200),
  'answers JSON that is null': async () => answer('null', 'application/json', 200),
  'answers a list': async () => answer('[]', 'application/json', 200),
  'answers without end': async () => new Response(endless(), { headers: { 'content-type': 'application/json' } }),
}

function answer(body: string, type: string, status: number): Response {
  return new Response(body, { status, headers: { 'content-type': type } })
}

// The core cuts an answer that is too large in the middle.
function endless(): ReadableStream<Uint8Array> {
  let chunks = 0
  return new ReadableStream({
    pull(controller) {
      if (++chunks > 16) controller.error(new Fault('ERR_UPSTREAM', 'the answer is larger than 1 MiB'))
      else controller.enqueue(new TextEncoder().encode(' '.repeat(65_536)))
    },
  })
}
