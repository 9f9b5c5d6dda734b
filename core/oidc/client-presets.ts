/**
 * Relying parties that many labs have: what Labgate must know of each, and the configuration for its own side, ready
 * to be pasted. `docs/clients/` has a page for each; a test compares them with what is written here.
 * @module
 */
import { type PresetName, presetNames, type Recipe, type RecipeNeeds, recipes } from './client-recipes.ts'
import type { ClientSettings } from './clients.ts'

/** What a preset says of a relying party, in the words of the section `clients`. */
export type PresetSettings = Partial<
  Pick<
    ClientSettings,
    | 'redirectUris'
    | 'postLogoutRedirectUris'
    | 'grantTypes'
    | 'authMethod'
    | 'scopes'
    | 'idTokenAlg'
    | 'pkce'
    | 'backchannelLogoutUri'
    | 'initiateLoginUri'
    | 'homepage'
    | 'resource'
  >
>

const usual = ['openid', 'profile', 'email', 'groups']

const presets: Readonly<Record<PresetName, (url: string) => PresetSettings>> = {
  jupyterhub: (url) => ({
    redirectUris: [`${url}/hub/oauth_callback`],
    postLogoutRedirectUris: [`${url}/hub/login`],
    initiateLoginUri: `${url}/hub/oauth_login`,
    authMethod: 'client_secret_post',
    scopes: usual,
  }),
  grafana: (url) => ({
    redirectUris: [`${url}/login/generic_oauth`],
    postLogoutRedirectUris: [`${url}/login`],
    initiateLoginUri: `${url}/login/generic_oauth`,
    authMethod: 'client_secret_basic',
    scopes: usual,
  }),
  'oauth2-proxy': (url) => ({
    redirectUris: [`${url}/oauth2/callback`],
    postLogoutRedirectUris: [`${url}/oauth2/sign_in`],
    initiateLoginUri: `${url}/oauth2/start`,
    authMethod: 'client_secret_basic',
    scopes: usual,
  }),
  // It sends no PKCE, state or nonce, verifies its access token as a JWT, and reads the person from the ID token,
  // which holds who they are only where the access token is for a resource server.
  webknossos: (url) => ({
    redirectUris: [`${url}/api/auth/oidc/callback`],
    initiateLoginUri: `${url}/api/auth/oidc/login`,
    grantTypes: ['authorization_code'],
    authMethod: 'client_secret_basic',
    idTokenAlg: 'RS256',
    pkce: false,
    scopes: ['openid', 'profile', 'email'],
    resource: url,
  }),
  apache: (url) => ({
    redirectUris: [`${url}/oidc/callback`],
    postLogoutRedirectUris: [`${url}/`],
    backchannelLogoutUri: `${url}/oidc/callback?logout=backchannel`,
    grantTypes: ['authorization_code'],
    authMethod: 'client_secret_basic',
    scopes: usual,
  }),
  generic: (url) => ({
    redirectUris: [`${url}/callback`],
    postLogoutRedirectUris: [`${url}/`],
    authMethod: 'client_secret_basic',
    scopes: usual,
  }),
}

/** Whether there is a preset of this name. */
export function isPreset(name: string): name is PresetName {
  return (presetNames as readonly string[]).includes(name)
}

/** The settings of a relying party at `url`, which has no slash at its end. */
export function presetSettings(name: PresetName, url: string): PresetSettings {
  const { initiateLoginUri, ...settings } = presets[name](url)
  // It must be https even on loopback (OpenID Connect Dynamic Client Registration §2).
  const starts = initiateLoginUri?.startsWith('https:') ? { initiateLoginUri } : {}
  return { homepage: `${url}/`, ...settings, ...starts }
}

/** The configuration for the other side; what `settings` say wins over the preset, as it does on ours. It holds the secret. */
export function presetRecipe(
  name: PresetName,
  needs: Pick<RecipeNeeds, 'issuer' | 'site' | 'id' | 'secret' | 'url'>,
  settings: PresetSettings = presetSettings(name, needs.url),
): Recipe {
  const { redirectUris: [redirectUri = needs.url] = [], postLogoutRedirectUris: [returnTo] = [] } = settings
  const { scopes = ['openid'], authMethod = 'client_secret_basic', idTokenAlg = 'RS256' } = settings
  return recipes[name]({ ...needs, redirectUri, returnTo, scopes, authMethod, idTokenAlg })
}
