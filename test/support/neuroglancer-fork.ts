/**
 * seung-lab's fork of Neuroglancer at a service of CAVE: the token goes in the query, and where to sign in is cut out of
 * `WWW-Authenticate` at `", "` and `=`, so that an address with either in it is read wrongly.
 * @module
 */

/** What a request led to. */
export type ForkStep =
  | { readonly data: Uint8Array }
  /** It opens this window; the page at `redirect` there hands it the token. */
  | { readonly login: string; readonly error: string | undefined }
  /** It opens this window and waits for the word `success`. */
  | { readonly terms: string }
  | { readonly failed: string }

/** The members of a challenge. */
export function readChallenge(header: string): Readonly<Record<string, string | undefined>> {
  const [, members = ''] = header.split('Bearer ')
  return Object.fromEntries(
    members.split(', ').map((member) => {
      const [name = '', value = ''] = member.split('=')
      return [name, value.replaceAll('"', '')]
    }),
  )
}

/** Asks as a page at `origin` does. */
export async function forkAsks(
  url: string,
  { origin, token }: { readonly origin: string; readonly token?: string },
): Promise<ForkStep> {
  const address = new URL(url)
  if (token !== undefined) address.searchParams.set('middle_auth_token', token)
  const answer = await fetch(address, { headers: { origin, 'x-requested-with': 'Fetch' }, redirect: 'manual' })
  if (answer.headers.get('access-control-allow-origin') !== '*') return { failed: 'network error' }
  if (answer.ok) return { data: new Uint8Array(await answer.arrayBuffer()) }
  const exposed = answer.headers.get('access-control-expose-headers')?.toLowerCase().split(/, */) ?? []
  const challenge = exposed.includes('www-authenticate') ? answer.headers.get('www-authenticate') : null
  if (answer.status === 401 && challenge !== null) {
    const { realm, error } = readChallenge(challenge)
    return { login: `${realm}?redirect=${encodeURIComponent(`${origin}/auth_redirect.html`)}`, error }
  }
  if (answer.headers.get('content-type') !== 'application/json') return { failed: await answer.text() }
  const { error, data } = (await answer.json()) as { error: string; data?: { tos_form_url: string } }
  return error === 'missing_tos' && data !== undefined ? { terms: `${data.tos_form_url}?client=ng` } : { failed: error }
}
