/** What the remote file systems claim: datalab's own three routes, and lazy ones beside them. @module */

/** A route before it is given its versions, like the others of the dialect. */
export interface RemoteRoute {
  readonly id: string
  readonly method: 'GET'
  readonly path: string
  readonly who: 'known'
  readonly rate?: { readonly count: number; readonly seconds: number }
}

const get = (id: string, path: string): RemoteRoute => ({ id, method: 'GET', path, who: 'known' })

/** Every route once. */
export const remoteRoutes: readonly RemoteRoute[] = [
  get('remotes', '/remotes'),
  get('remotesOld', '/list-remote-directories'),
  get('remote', '/remotes/:name'),
  get('remoteList', '/remotes/:name/list'),
  { ...get('remoteFile', '/remotes/:name/file'), rate: { count: 120, seconds: 60 } },
]
