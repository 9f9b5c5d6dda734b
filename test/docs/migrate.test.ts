/** The pages for who comes from another system: every snippet is loaded, and every old setting has its row. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { isFault } from '@labgate/contract'
import { parse, stringify } from 'yaml'
import { parseConfig } from '../../core/config/load.ts'
import { problemText } from '../../core/config/problems.ts'
import { findProblems } from '../../core/judge.ts'
import { folderWith, load } from '../support/plugin-folder.ts'
import { root } from '../support/sources.ts'

interface Row {
  readonly old: string
  readonly snippets: readonly string[]
  readonly remark: string
}

interface Page {
  readonly name: string
  /** The file that the page begins with. */
  readonly base: Tree
  readonly rows: readonly Row[]
}

type Tree = Readonly<Record<string, unknown>>

/** Typed by hand from the texts and sources of the three systems; a page that drops one fails. */
const settings: Readonly<Record<string, readonly string[]>> = {
  'migrate-datalab.md': [
    ...['PYDATALAB_CONFIG_FILE', 'APP_URL', 'ROOT_PATH', 'SECRET_KEY', 'PYDATALAB_ALLOW_INSECURE_SECRET_KEY'],
    ...['MONGO_URI', 'SESSION_LIFETIME', 'LOG_FILE', 'DEBUG', 'TESTING', 'BEHIND_REVERSE_PROXY'],
    ...['GITHUB_OAUTH_CLIENT_ID', 'GITHUB_OAUTH_CLIENT_SECRET', 'GITHUB_ORG_ALLOW_LIST', '/login/github/authorized'],
    ...['ORCID_OAUTH_CLIENT_ID', 'ORCID_OAUTH_CLIENT_SECRET', 'OAUTH_ORCID_SANDBOX'],
    ...['ORCID_AUTO_ACTIVATE_ACCOUNTS', 'GITHUB_AUTO_ACTIVATE_ACCOUNTS', 'EMAIL_AUTO_ACTIVATE_ACCOUNTS'],
    ...['AUTO_ACTIVATE_ACCOUNTS', 'EMAIL_DOMAIN_ALLOW_LIST', 'EMAIL_AUTH_SMTP_SETTINGS', 'DISABLE_MAGIC_LINK_AUTH'],
    ...['MAIL_SERVER', 'MAIL_PORT', 'MAIL_USERNAME', 'MAIL_USER', 'MAIL_PASSWORD', 'MAIL_USE_TLS'],
    ...['MAIL_DEFAULT_SENDER', 'DEPLOYMENT_METADATA', 'DEPLOYMENT_METADATA.maintainer'],
    ...['DEPLOYMENT_METADATA.issue_tracker', 'DEPLOYMENT_METADATA.homepage', 'DEPLOYMENT_METADATA.source_repository'],
    ...['GOOGLE_OAUTH_CLIENT_ID', 'GOOGLE_OAUTH_CLIENT_SECRET', 'MICROSOFT_OAUTH_CLIENT_ID'],
    ...['MICROSOFT_OAUTH_CLIENT_SECRET', 'OAUTHLIB_INSECURE_TRANSPORT', 'OAUTHLIB_RELAX_TOKEN_SCOPE'],
    ...[
      'IDENTIFIER_PREFIX',
      'MAX_CONTENT_LENGTH',
      'REMOTE_FILESYSTEMS',
      'REMOTE_CACHE_MAX_AGE',
      'REMOTE_CACHE_MIN_AGE',
    ],
    ...['REFCODE_GENERATOR', 'FILE_DIRECTORY', 'USE_X_ACCEL_REDIRECT', 'MAX_BATCH_CREATE_SIZE', 'ASYNC_BLOCK_TYPES'],
    'BACKUP_STRATEGIES',
  ],
  'migrate-launchpad.md': [
    ...['AWS_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'SES_FROM_EMAIL', 'SES_FROM_NAME'],
    ...['SMTP_USER', 'SMTP_PASSWORD', 'SMTP_FROM_EMAIL', 'SMTP_FROM_NAME'],
    ...['EMAIL_HOST', 'EMAIL_PORT', 'EMAIL_USE_TLS', 'EMAIL_USE_SSL'],
    ...['OTP_LENGTH', 'OTP_VALIDITY_MINUTES', 'MAX_OTP_ATTEMPTS', 'MAX_OTP_REQUESTS_PER_HOUR'],
    ...['SESSION_SECRET_KEY', 'DEFAULT_SESSION_HOURS', 'REMEMBER_ME_SESSION_DAYS', 'SESSION_DURATION_HOURS'],
    ...['DEFAULT_SESSION_DAYS', 'MAX_CONCURRENT_SESSIONS', 'RSTUDIO_SESSION_EXPIRY_DAYS'],
    ...['JUPYTER_SESSION_EXPIRY_DAYS', 'INITIAL_ADMIN_USERNAME', 'INITIAL_ADMIN_PASSWORD', 'LAB_NAMES'],
    ...['DB_MOUNT_PATH', 'DATABASE_FILENAME', 'UVICORN_HOST', 'UVICORN_PORT', 'USER_DATA_MOUNT_PATH'],
    ...['RSTUDIO_DOCKER_IMAGE', 'JUPYTER_DOCKER_IMAGE', 'RSTUDIO_DEFAULT_MEMORY', 'RSTUDIO_DEFAULT_CPUS'],
    ...['JUPYTER_DEFAULT_MEMORY', 'JUPYTER_DEFAULT_CPUS', 'RSTUDIO_MIN_PORT', 'RSTUDIO_MAX_PORT', 'JUPYTER_MIN_PORT'],
    ...['JUPYTER_MAX_PORT', 'RSTUDIO_USER_STORAGE_LIMIT', 'DOCKER_TEMPLATES_DIR_NAME'],
  ],
  'migrate-ga4gh.md': [
    ...['OIDC_PROVIDER', 'OIDC_REDIRECT_URI', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_AUTHZ_ENDPOINT'],
    ...['OIDC_TOKEN_ENDPOINT', 'OIDC_TOKEN_REV_ENDPOINT', 'AUTH0_ENABLED', 'AUTH0_SCOPES', 'AUTH0_CALLBACK_URL'],
    ...['AUTH0_HOST', 'AUTH0_CLIENT_ID', 'AUTH0_CLIENT_SECRET', 'AUTH0_AUTHORIZED_EMAILS', 'AUTHORIZED_EMAILS'],
    ...['SECRET_KEY', 'CACHE_DIRECTORY', 'DEBUG', 'TESTING', 'GA4GH_CONFIGURATION', 'LANDING_MESSAGE_HTML'],
    'INITIAL_PEERS',
  ],
}

function pageOf(name: string): Page {
  const text = readFileSync(join(root, 'docs', name), 'utf8')
  const base: Tree = parse(/```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? assert.fail(`${name} begins with no file`))
  const lines = text.split('\n').filter((line) => line.startsWith('| ') && !/^\| (?:---|.* \| here \|)/.test(line))
  return { name, base, rows: lines.map(rowOf) }
}

function rowOf(line: string): Row {
  const [, old = '', here = '', remark = '', ...more] = line.split('|').map((cell) => cell.trim())
  assert.deepEqual(more, [''], `a row has three cells: ${line}`)
  return { old, remark, snippets: here === '–' ? [] : here.split('<br>').map(bare) }
}

function bare(cell: string): string {
  return /^`([^`]+)`$/.exec(cell)?.[1] ?? assert.fail(`not one piece of code: ${cell}`)
}

/** `over` laid over `base`: objects are joined, everything else is replaced. */
function laidOver(base: Tree, over: Tree): Tree {
  const joined = Object.entries(over).map(([key, value]) => {
    const below = base[key]
    return [key, isTree(below) && isTree(value) ? laidOver(below, value) : value] as const
  })
  return { ...base, ...Object.fromEntries(joined) }
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Any variable that a snippet refers to is set; none is there to be found by looking. */
const env = new Proxy<Record<string, string>>({}, { get: () => 'x'.repeat(32), ownKeys: () => [] })

/** What `labgate check` would say of a config; secrets in files are read from `folder`. */
async function problemsOf(tree: Tree, folder = '/run/secrets'): Promise<readonly string[]> {
  try {
    const text = stringify(tree).replaceAll('/run/secrets', () => folder)
    const loaded = { ...parseConfig(text, { env, name: 'labgate.yaml' }), file: join(root, 'labgate.yaml') }
    const { plugins, issuer } = loaded.config
    const { errors, warnings } = findProblems(loaded, await load(root, plugins, { issuer, env }))
    return [...errors, ...warnings].map(problemText)
  } catch (error) {
    if (isFault(error)) return [error.message]
    throw error
  }
}

for (const name of Object.keys(settings)) {
  test(`docs/${name}: the file it begins with loads, and so does every snippet over it`, async (t) => {
    const folder = await folderWith(t, { 'labgate-sealing-key': 'x'.repeat(32) })
    await chmod(join(folder, 'labgate-sealing-key'), 0o600)
    const { base, rows } = pageOf(name)
    assert.deepEqual(await problemsOf(base), [])
    const snippets = rows.flatMap(({ old, snippets }) => snippets.map((snippet) => ({ old, snippet })))
    assert.ok(snippets.length > 20)
    for (const { old, snippet } of snippets) {
      assert.deepEqual(await problemsOf(laidOver(base, parse(snippet)), folder), [], `${old}: ${snippet}`)
    }
  })

  test(`docs/${name}: every setting of the old system has a row`, () => {
    const named = new Set(pageOf(name).rows.flatMap(({ old }) => [...old.matchAll(/`([^`]+)`/g)].map(([, one]) => one)))
    assert.deepEqual(
      (settings[name] ?? []).filter((setting) => !named.has(setting)),
      [],
    )
  })

  test(`docs/${name}: a row without a snippet says why it is not ours, and only such a row`, () => {
    for (const { old, snippets, remark } of pageOf(name).rows) {
      assert.equal(/^Not ours, because .{15,}\.$/.test(remark), snippets.length === 0, old)
    }
  })
}

test('a snippet with a setting that does not exist, of the core or of a plugin, is found', async () => {
  const { base } = pageOf('migrate-datalab.md')
  const core = await problemsOf(laidOver(base, { session: { lifetime: '168h' } }))
  assert.match(core.join(), /session\.lifetime: unknown key/)
  const plugin = await problemsOf(laidOver(base, { plugins: { github: { config: { orgs: [1] } } } }))
  assert.match(plugin.join(), /plugins\.github\.config\.orgs: unknown key/)
  const both = { plugins: { email: { config: { domains: ['example.org'], emailDomainAllowList: [] } } } }
  assert.match((await problemsOf(laidOver(base, both))).join(), /not both/)
})
