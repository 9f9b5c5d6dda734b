/** The routes of ngauth, at the root of a host of its own: Neuroglancer knows a server by its origin alone. @module */
import type { RouteClaim } from '@labgate/contract'
import type { NgauthConfig } from './config.ts'
import { originsOf } from './origins.ts'

/** What a Neuroglancer with many layers asks for, and several people behind one address. */
const rate = { count: 600, seconds: 60 }

/** All routes. @throws Fault ERR_CONFIG when the origins are wrong */
export function ngauthRoutes(config: NgauthConfig): RouteClaim[] {
  const cors = originsOf(config)
  return [
    { id: 'home', method: 'GET', path: '/', guard: 'public' },
    { id: 'health', method: 'GET', path: '/health', guard: 'public' },
    { id: 'login', method: 'GET', path: '/login', guard: 'public', opener: 'kept' },
    {
      ...({ id: 'finish', method: 'GET', path: '/login/finish', guard: 'session' } as const),
      ...({ opener: 'kept', crossSiteCookie: 'set' } as const),
    },
    // Goes on without terms that were offered.
    { id: 'later', method: 'POST', path: '/login/finish', guard: 'session', opener: 'kept', bodyBytes: 1024 },
    { id: 'logout', method: 'POST', path: '/logout', guard: 'public', bodyBytes: 4096 },
    {
      ...({ id: 'token', method: 'POST', path: '/token', guard: 'public', cors, rate } as const),
      ...({ crossSiteCookie: 'read', bodyBytes: 1024 } as const),
    },
    // No cookie counts here: what is in the body is all there is.
    { id: 'gcsToken', method: 'POST', path: '/gcs_token', guard: 'public', cors: 'any', rate, bodyBytes: 8192 },
  ]
}
