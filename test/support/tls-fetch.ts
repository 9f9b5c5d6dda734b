/** A `fetch` that trusts a test's own certificate and comes from an address of its choice. @module */
import { Agent, fetch as undiciFetch } from 'undici'

/** Close it when the test is over. */
export function tlsFetch(options: { readonly ca: string; readonly from?: string }): {
  readonly fetch: typeof fetch
  close(): Promise<void>
} {
  const local = options.from === undefined ? {} : { localAddress: options.from }
  const dispatcher = new Agent({ connect: { ca: options.ca, family: 4 }, ...local })
  return {
    // The package and the platform have the same fetch, and two sets of types for it.
    fetch: ((input: string | URL, init?: object) =>
      undiciFetch(input, { ...init, dispatcher })) as unknown as typeof fetch,
    close: () => dispatcher.close(),
  }
}
