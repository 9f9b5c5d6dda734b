/** The other side's configuration for each preset: pure text, with every value that must agree with ours. @module */

import type { ClientSettings } from './clients.ts'

/** Names of the presets, in the order of the help. */
export const presetNames = ['jupyterhub', 'grafana', 'oauth2-proxy', 'webknossos', 'apache', 'generic'] as const

/** Name of a preset. */
export type PresetName = (typeof presetNames)[number]

/** How the programs are called; `generic` is none. */
export const programNames: Readonly<Record<Exclude<PresetName, 'generic'>, string>> = {
  jupyterhub: 'JupyterHub',
  grafana: 'Grafana',
  'oauth2-proxy': 'oauth2-proxy',
  webknossos: 'WebKnossos',
  apache: 'Apache',
}

/** What the other side is told; addresses are of this Labgate. */
export interface RecipeNeeds {
  readonly issuer: string
  readonly site: string
  readonly id: string
  readonly secret: string
  /** Address of the relying party, without a slash at its end. */
  readonly url: string
  /** Where codes are sent. */
  readonly redirectUri: string
  /** Where a browser goes after signing out; absent: the preset knows none. */
  readonly returnTo: string | undefined
  readonly scopes: readonly string[]
  /** How it proves at the token endpoint that it knows the secret. */
  readonly authMethod: ClientSettings['authMethod']
  readonly idTokenAlg: ClientSettings['idTokenAlg']
}

/** A file for the other side. */
export interface Recipe {
  /** Which file it is. */
  readonly file: string
  /** How Markdown names its language. */
  readonly language: string
  readonly text: string
}

/** What each program calls its own settings. */
export const recipes: Readonly<Record<PresetName, (needs: RecipeNeeds) => Recipe>> = {
  jupyterhub,
  grafana,
  'oauth2-proxy': oauth2Proxy,
  webknossos,
  apache,
  generic,
}

// JSON strings are strings of Python, TOML and HOCON too; a name of a site may hold any character.
const quoted = (text: string) => JSON.stringify(text)

/** Below the root of its host; empty: there. */
function pathOf(url: string): string {
  return new URL(url).pathname.replace(/\/$/, '')
}

function signOutLink({ issuer, id, returnTo }: RecipeNeeds): string {
  const back = returnTo === undefined ? {} : { post_logout_redirect_uri: returnTo }
  return `${issuer}/oidc/logout?${new URLSearchParams({ client_id: id, ...back })}`
}

/** JupyterHub with oauthenticator 17 or newer. */
function jupyterhub(needs: RecipeNeeds): Recipe {
  const { issuer, site, id, secret, redirectUri, scopes, authMethod } = needs
  const text = `c.JupyterHub.authenticator_class = "generic-oauth"
c.GenericOAuthenticator.login_service = ${quoted(site)}
c.GenericOAuthenticator.client_id = ${quoted(id)}
c.GenericOAuthenticator.client_secret = ${quoted(secret)}
c.GenericOAuthenticator.oauth_callback_url = "${redirectUri}"
c.GenericOAuthenticator.authorize_url = "${issuer}/oidc/auth"
c.GenericOAuthenticator.token_url = "${issuer}/oidc/token"
c.GenericOAuthenticator.userdata_url = "${issuer}/oidc/userinfo"
c.GenericOAuthenticator.scope = [${scopes.map(quoted).join(', ')}]
c.GenericOAuthenticator.basic_auth = ${authMethod === 'client_secret_basic' ? 'True' : 'False'}
c.GenericOAuthenticator.enable_pkce = True
c.GenericOAuthenticator.username_claim = "preferred_username"
c.GenericOAuthenticator.auth_state_groups_key = "oauth_user.groups"
c.GenericOAuthenticator.enable_auth_state = True  # needs JUPYTERHUB_CRYPT_KEY in the environment
c.GenericOAuthenticator.manage_groups = True
# Who may come in: name groups of Labgate, or set allow_all.
c.GenericOAuthenticator.allowed_groups = {"imaging"}
c.GenericOAuthenticator.admin_groups = {"hub-admins"}
c.GenericOAuthenticator.logout_redirect_url = ${quoted(signOutLink(needs))}
`
  return { file: 'jupyterhub_config.py', language: 'python', text }
}

/** Grafana 10 or newer. A value in backquotes is taken as it stands. */
function grafana(needs: RecipeNeeds): Recipe {
  const { issuer, site, id, secret, url, scopes, authMethod } = needs
  const text = `[server]
root_url = ${url}/
${pathOf(url) === '' ? '' : 'serve_from_sub_path = true\n'}
[auth.generic_oauth]
enabled = true
name = ${site.replace(/[`;#\r\n]/g, ' ')}
client_id = ${id}
client_secret = ${secret}
scopes = ${scopes.join(' ')}
auth_url = ${issuer}/oidc/auth
token_url = ${issuer}/oidc/token
api_url = ${issuer}/oidc/userinfo
auth_style = ${authMethod === 'client_secret_basic' ? 'InHeader' : 'InParams'}
use_pkce = true
use_refresh_token = true
allow_sign_up = true
login_attribute_path = preferred_username
name_attribute_path = name
groups_attribute_path = groups
role_attribute_path = contains(groups[*], 'grafana-admins') && 'Admin' || 'Viewer'
signout_redirect_url = ${signOutLink(needs)}
`
  return { file: 'grafana.ini', language: 'ini', text }
}

/** oauth2-proxy 7.4 or newer. */
function oauth2Proxy({ issuer, site, id, secret, url, redirectUri, scopes }: RecipeNeeds): Recipe {
  const text = `provider = "oidc"
provider_display_name = ${quoted(site)}
oidc_issuer_url = "${issuer}"
client_id = ${quoted(id)}
client_secret = ${quoted(secret)}
redirect_url = "${redirectUri}"
${pathOf(url) === '' ? '' : `proxy_prefix = "${pathOf(url)}/oauth2"\n`}scope = "${scopes.join(' ')}"
code_challenge_method = "S256"
oidc_groups_claim = "groups"
# Everybody whom Labgate lets in; narrow it with allowed_groups.
email_domains = ["*"]
# allowed_groups = ["imaging"]
whitelist_domains = ["${new URL(issuer).host}"]
cookie_secure = ${url.startsWith('https:')}
cookie_refresh = "10m"
# In its environment: OAUTH2_PROXY_COOKIE_SECRET, made by: openssl rand -base64 32 | tr -- '+/' '-_'
reverse_proxy = true
upstreams = ["http://127.0.0.1:3000/"]
`
  return { file: 'oauth2-proxy.cfg', language: 'toml', text }
}

/** WebKnossos puts the path of the discovery document straight behind `providerUrl`: its slash must be there. */
function webknossos({ issuer, id, secret, scopes }: RecipeNeeds): Recipe {
  const text = `features.openIdConnectEnabled = true
singleSignOn.openIdConnect {
  providerUrl = "${issuer}/"
  clientId = ${quoted(id)}
  clientSecret = ${quoted(secret)}
  scope = "${scopes.join(' ')}"
}
`
  return { file: 'application.conf', language: 'hocon', text }
}

/** Apache with mod_auth_openidc 2.4. */
function apache({ issuer, id, secret, url, redirectUri, scopes, authMethod }: RecipeNeeds): Recipe {
  const { pathname } = new URL(`${url}/`)
  const text = `OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${id}
OIDCClientSecret ${quoted(secret)}
OIDCProviderTokenEndpointAuth ${authMethod}
OIDCRedirectURI ${redirectUri}
OIDCScope "${scopes.join(' ')}"
OIDCPKCEMethod S256
OIDCRemoteUserClaim preferred_username
OIDCCookieSameSite On
# Seals its cookies. Give it a value of its own: openssl rand -base64 32
OIDCCryptoPassphrase "exec:/bin/cat /etc/apache2/oidc-passphrase"

<Location ${pathname}>
  AuthType openid-connect
  Require valid-user
  # Require claim groups:imaging
</Location>
`
  return { file: 'the virtual host', language: 'apache', text }
}

/** What any program asks for, under the names of the specifications. */
function generic(needs: RecipeNeeds): Recipe {
  const { issuer, id, secret, redirectUri, returnTo, scopes, authMethod, idTokenAlg } = needs
  const text = `issuer: ${issuer}
discovery: ${issuer}/.well-known/openid-configuration
authorization_endpoint: ${issuer}/oidc/auth
token_endpoint: ${issuer}/oidc/token
userinfo_endpoint: ${issuer}/oidc/userinfo
jwks_uri: ${issuer}/oidc/jwks
end_session_endpoint: ${issuer}/oidc/logout
client_id: ${id}
client_secret: ${secret}
token_endpoint_auth_method: ${authMethod}
redirect_uri: ${redirectUri}
post_logout_redirect_uri: ${returnTo}
scope: ${scopes.join(' ')}
response_type: code
code_challenge_method: S256
id_token_signed_response_alg: ${idTokenAlg}
`
  return { file: 'its settings', language: 'yaml', text }
}
