/**
 * CAVEclient's and cloud-files' side of CAVE: what they send, and how they read what comes back. A redirect is taken for a
 * token that was never set up, and a refusal is read only when its type is `application/json` to the letter.
 * @module
 */

/** What it raises. */
export class CaveError extends Error {
  /** An address that it opens in the browser. */
  readonly opens: string | undefined

  constructor(message: string, opens?: string) {
    super(message)
    this.opens = opens
  }
}

/** A token as the list of them has it. */
export interface ListedToken {
  readonly id: number | string
  readonly token: string
}

/** Makes one; `server` is the origin, because the prefixes are compiled in. */
export function caveClient({ server, token }: { readonly server: string; readonly token: string }) {
  const headers = { authorization: `Bearer ${token}`, 'user-agent': 'python-requests/2.32' }
  const read = async (url: string): Promise<Response> => {
    const answer = await fetch(url, { headers, redirect: 'manual' })
    if (answer.status >= 300 && answer.status < 400)
      throw new CaveError(`You have not setup a token to access ${url}`, `${server}/auth/api/v1/create_token`)
    if (answer.ok) return answer
    const body = await answer.text()
    if (answer.headers.get('content-type') === 'application/json') {
      const { error, data } = JSON.parse(body) as { error?: string; data?: { tos_form_url: string } }
      if (answer.status === 403 && error === 'missing_tos') throw new CaveError('missing_tos', data?.tos_form_url)
      throw new CaveError(`${answer.status} ${error}`)
    }
    throw new CaveError(`${answer.status} ${body}`)
  }
  const json = async <T>(path: string) => (await (await read(`${server}/auth/api/v1/${path}`)).json()) as T
  return {
    /** Pages that it opens for its user. */
    pages: {
      newToken: `${server}/auth/api/v1/create_token`,
      tokens: `${server}/sticky_auth/settings/tokens`,
    },
    tokens: () => json<readonly ListedToken[]>('user/token'),
    users: (ids: readonly number[]) =>
      json<readonly { readonly id: number; readonly name: string }[]>(`user?id=${ids.join(',')}`),
    groupUsers: (group: number) => json<readonly { readonly id: number }[]>(`group/${group}/user`),
    /** A file of a source that begins with `middleauth+`, as cloud-files reads it. */
    file: async (url: string) => new Uint8Array(await (await read(url)).arrayBuffer()),
  }
}
