/**
 * `@labgate/auth-oidc/sign-in`: the code-flow part of a sign-in, for OAuth 2.0 and OpenID Connect alike, over `context.fetch`,
 * and the whole method for an OpenID provider. The core makes state, nonce and verifier; this library sends and checks them.
 * It keeps no person's data.
 * Specs: RFC 6749 §4.1, RFC 7636, RFC 9207, RFC 7009, RFC 7591, OpenID Connect Core, Discovery and RP-Initiated Logout.
 * @module
 */
export type { ClientAuth, Credentials } from './client.ts'
export { type Documents, factsOf, type Wanted } from './facts.ts'
export { callbackPathsOf, type OpenIdSettings, openIdMethod, redirectUriOf, type Verdict } from './openid.ts'
export { applicationProperties } from './properties.ts'
export type { Endpoints, ServerSettings } from './server.ts'
export { createSignIn, type Registration, type SignIn, type SignInNeeds } from './sign-in.ts'
export { signInText } from './text.ts'
export type { AuthorizationAsk, Claims, No, RedeemAsk, Tokens, Upstream } from './upstream.ts'
export { maxAgeNow } from './upstream.ts'
