/** `labgate init --from-datalab`: a config of a datalab against the config that comes of it, and everything that may be wrong. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { isFault } from '@labgate/contract'
import { createLabgate, readConfig } from '@labgate/core'
import { parse } from 'yaml'
import { envFileText, parseEnvFile } from '../../../core/cli/from-datalab/env-file.ts'
import { type Place, translateDatalab } from '../../../core/cli/from-datalab/from-datalab.ts'
import fc from '../../support/chance.ts'
import { labgate } from '../../support/command-line.ts'
import { freePort } from '../../support/program.ts'
import { run } from '../../support/project.ts'
import { root } from '../../support/sources.ts'

const golden = join(root, 'test/golden/init-from-datalab')
const place: Place = {
  ...{ issuer: 'https://id.example.org', name: 'Lab', email: undefined },
  ...{ cacheFolder: '/var/lib/labgate/remotes', sealingKey: 'k'.repeat(44) },
}
/** Typed by hand from datalab's settings and environment; one that nothing is said of fails. */
const all = [
  ...['APP_URL', 'ROOT_PATH', 'TESTING', 'SECRET_KEY', 'MONGO_URI', 'SESSION_LIFETIME', 'IDENTIFIER_PREFIX'],
  ...['REFCODE_GENERATOR', 'REMOTE_FILESYSTEMS', 'REMOTE_CACHE_MAX_AGE', 'REMOTE_CACHE_MIN_AGE'],
  ...['BEHIND_REVERSE_PROXY', 'USE_X_ACCEL_REDIRECT', 'GITHUB_ORG_ALLOW_LIST', 'EMAIL_DOMAIN_ALLOW_LIST'],
  ...['EMAIL_AUTH_SMTP_SETTINGS', 'DISABLE_MAGIC_LINK_AUTH', 'AUTO_ACTIVATE_ACCOUNTS', 'DEBUG'],
  ...['ORCID_AUTO_ACTIVATE_ACCOUNTS', 'GITHUB_AUTO_ACTIVATE_ACCOUNTS', 'EMAIL_AUTO_ACTIVATE_ACCOUNTS'],
  ...['DEPLOYMENT_METADATA', 'DEPLOYMENT_METADATA.maintainer', 'DEPLOYMENT_METADATA.issue_tracker'],
  ...['DEPLOYMENT_METADATA.homepage', 'DEPLOYMENT_METADATA.source_repository', 'MAX_CONTENT_LENGTH'],
  ...['MAX_BATCH_CREATE_SIZE', 'FILE_DIRECTORY', 'LOG_FILE', 'ASYNC_BLOCK_TYPES', 'BACKUP_STRATEGIES'],
  ...['EMAIL_AUTH_SMTP_SETTINGS.MAIL_SERVER', 'EMAIL_AUTH_SMTP_SETTINGS.MAIL_PORT'],
  ...['EMAIL_AUTH_SMTP_SETTINGS.MAIL_USERNAME', 'EMAIL_AUTH_SMTP_SETTINGS.MAIL_USE_TLS'],
  ...['EMAIL_AUTH_SMTP_SETTINGS.MAIL_DEFAULT_SENDER', 'MAIL_PASSWORD', 'GITHUB_OAUTH_CLIENT_ID'],
  ...['GITHUB_OAUTH_CLIENT_SECRET', 'ORCID_OAUTH_CLIENT_ID', 'ORCID_OAUTH_CLIENT_SECRET', 'GOOGLE_OAUTH_CLIENT_ID'],
  ...['GOOGLE_OAUTH_CLIENT_SECRET', 'MICROSOFT_OAUTH_CLIENT_ID', 'MICROSOFT_OAUTH_CLIENT_SECRET'],
  ...['OAUTH_ORCID_SANDBOX', 'OAUTHLIB_INSECURE_TRANSPORT', 'OAUTHLIB_RELAX_TOKEN_SCOPE', 'PYDATALAB_CONFIG_FILE'],
  'PYDATALAB_ALLOW_INSECURE_SECRET_KEY',
]
const github = 'GITHUB_OAUTH_CLIENT_ID=Ov23li\nGITHUB_OAUTH_CLIENT_SECRET=of-github\n'
const smtp = { MAIL_DEFAULT_SENDER: 'datalab@example.org', MAIL_USERNAME: 'datalab' }
const sound = { IDENTIFIER_PREFIX: 'grey', APP_URL: 'https://lab.example.org' }

interface Made {
  readonly config: {
    readonly plugins: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, unknown>>>>>>
    readonly [key: string]: unknown
  }
  readonly text: string
  readonly env: string
  fate(about: string): string | undefined
  said(about: string): string
}

/** Translates settings and lines of a `.env`. */
function made(settings: object | string, env = '', more: Partial<Place> = {}): Made {
  const text = typeof settings === 'string' ? settings : JSON.stringify(settings, null, 2)
  const texts = { file: { text, name: 'datalab.json' }, env: { text: env, name: '.env' } }
  const { config, env: secrets, notes, unknown } = translateDatalab(texts, { ...place, ...more })
  const of = (about: string) => notes.filter((note) => note.about === about)
  return {
    ...{ config: parse(config), text: config, env: secrets },
    fate: (about) => of(about)[0]?.fate ?? (unknown.some(({ path }) => path === about) ? 'unknown' : undefined),
    said: (about) =>
      of(about)
        .map((note) => note.text)
        .join('\n'),
  }
}

/** What is said of settings that are wrong. */
function wrong(settings: object | string, env = ''): string {
  try {
    made(settings, env)
  } catch (error) {
    if (isFault(error)) return `${error.code}\n${error.message}`
    throw error
  }
  return assert.fail('nothing was wrong')
}

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-datalab-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  for (const name of ['datalab.json', 'datalab.env']) await copyFile(join(golden, name), join(folder, name))
  return folder
}

const argv = ['init', '--from-datalab', 'datalab.json', '--env', 'datalab.env', '--email', 'ada@example.org']

test('the golden datalab becomes the golden config; RENEW_GOLDEN=1 writes it anew', async (t) => {
  const folder = await folderOf(t)
  const { code, out, err } = await labgate(argv, { cwd: folder })
  assert.deepEqual([code, err], [0, ''])
  const env = await readFile(join(folder, 'config/labgate.env'), 'utf8')
  const sealing = /^LABGATE_SEALING_KEY=(.{44})$/m.exec(env)?.[1] ?? assert.fail('no sealing key')
  const files = {
    'labgate.yaml': (await readFile(join(folder, 'config/labgate.yaml'), 'utf8')).replaceAll(folder, '/srv'),
    'labgate.env': env.replace(sealing, 'NEW-EACH-TIME'),
    'printed.txt': out,
  }
  for (const [name, text] of Object.entries(files)) {
    if (process.env.RENEW_GOLDEN === '1') writeFileSync(join(golden, name), text)
    assert.equal(text, readFileSync(join(golden, name), 'utf8'), name)
  }
  const secrets = parseEnvFile(readFileSync(join(golden, 'datalab.env'), 'utf8'), '').variables
  for (const name of ['SECRET_KEY', 'MAIL_PASSWORD', 'GITHUB_OAUTH_CLIENT_SECRET', 'ORCID_OAUTH_CLIENT_SECRET'])
    for (const text of [files['labgate.yaml'], out]) assert.ok(!text.includes(secrets.get(name)?.value ?? ''), name)
  for (const text of [...Object.values(files)])
    assert.ok(!text.includes('of-the-store'), 'the password of the database')
  assert.equal((await stat(join(folder, 'config/labgate.env'))).mode & 0o777, 0o600)
})

test('what is written is accepted by `labgate check`, and starts', async (t) => {
  const folder = await folderOf(t)
  const port = await freePort()
  const issuer = `http://localhost:${port}`
  assert.equal((await labgate([...argv, '--issuer', issuer], { cwd: folder })).code, 0)
  const variables = parseEnvFile(await readFile(join(folder, 'config/labgate.env'), 'utf8'), '').variables
  const env = Object.fromEntries([...variables].map(([name, { value }]) => [name, value]))
  const checked = await labgate(['check', '--json'], { cwd: folder, env })
  assert.deepEqual([JSON.parse(checked.out).errors, checked.code], [[], 0])
  const ports = {
    LABGATE_LISTEN__PORT: String(port),
    LABGATE_MANAGEMENT__PORT: '0',
    LABGATE_DATA: join(folder, 'data'),
    LABGATE_LOG__FILE: join(folder, 'labgate.log'),
  }
  const loaded = await readConfig(join(folder, 'config/labgate.yaml'), { env: { ...env, ...ports }, cwd: folder })
  const server = await createLabgate(loaded)
  try {
    await server.start()
    const answer = await fetch(`${issuer}/datalab/info`)
    const { data } = (await answer.json()) as { data: { attributes: Record<string, unknown> } }
    const { identifier_prefix, homepage, max_upload_bytes, maintainer } = data.attributes
    assert.deepEqual([identifier_prefix, homepage, max_upload_bytes], ['grey', 'https://example.org', 20_000_000_000])
    assert.equal((maintainer as Record<string, unknown>).contact_email, 'mia@example.org')
  } finally {
    await server.stop()
  }
})

test('something is said of every setting, whether it is set or not', () => {
  const full = {
    text: readFileSync(join(golden, 'datalab.json'), 'utf8'),
    env: readFileSync(join(golden, 'datalab.env'), 'utf8'),
  }
  for (const { text, env } of [full, { text: '{}', env: '' }, { text: '', env: github }]) {
    const { fate } = made(text, env)
    assert.deepEqual(
      all.filter((name) => fate(name) === undefined),
      [],
    )
  }
})

test('settings that nobody knows are named with their place, and what was meant', async (t) => {
  const { fate } = made({ ...sound, APPURL: 'x', app_url: 'y' }, 'PYDATALAB_SESSION_LIFETIM=3\nHOME_PAGE=x')
  for (const name of ['APPURL', 'app_url', 'PYDATALAB_SESSION_LIFETIM']) assert.equal(fate(name), 'unknown')
  const folder = await folderOf(t)
  const { out } = await labgate(argv, { cwd: folder })
  assert.match(out, /^ {2}datalab\.json:\d+:3: PLUGIN_DIRECTORY: datalab has no such setting/m)
  assert.match(out, /^ {2}datalab\.env:5: PYDATALAB_APPURL: .*did you mean `APP_URL`\?$/m)
})

test('the environment goes before the file, its lists are JSON, and its names take any capitals', () => {
  const env = `${github}pydatalab_identifier_prefix=blue\nPYDATALAB_GITHUB_ORG_ALLOW_LIST='["9919"]'\n`
  const { config } = made({ ...sound, GITHUB_ORG_ALLOW_LIST: null }, env)
  assert.equal(config.plugins.datalab?.config?.identifierPrefix, 'blue')
  assert.deepEqual(config.plugins.github?.config?.allow, { mode: 'organizations', organizations: [9919] })
})

test('YAML is taken as well as JSON, indented by tabs too', () => {
  const yaml = 'IDENTIFIER_PREFIX: grey\nAPP_URL: https://lab.example.org\nSESSION_LIFETIME: "24" # hours\n'
  assert.deepEqual(made(yaml).config.session, { idle: '24h', max: '24h' })
  assert.equal(made(JSON.stringify(sound, null, '\t')).config.plugins.datalab?.config?.identifierPrefix, 'grey')
})

test('GITHUB_ORG_ALLOW_LIST: a list lets its members in at once, null anybody, [] and nothing nobody new', () => {
  const admitted = (settings: object) => {
    const { plugins } = made({ ...sound, ...settings }, github).config
    return [plugins.github?.config?.allow, plugins.github?.admission?.state]
  }
  const members = { mode: 'organizations', organizations: [9919, 'example-lab'] }
  assert.deepEqual(admitted({ GITHUB_ORG_ALLOW_LIST: ['9919', 'example-lab'] }), [members, 'active'])
  assert.deepEqual(admitted({ GITHUB_ORG_ALLOW_LIST: null }), [{ mode: 'anyone' }, 'pending'])
  const anybody = { GITHUB_ORG_ALLOW_LIST: null, GITHUB_AUTO_ACTIVATE_ACCOUNTS: 'yes' }
  assert.deepEqual(admitted(anybody), [{ mode: 'anyone' }, 'active'])
  assert.deepEqual(admitted({ GITHUB_ORG_ALLOW_LIST: [] }), [undefined, 'refused'])
  assert.deepEqual(admitted({}), [undefined, 'refused'])
  assert.deepEqual(admitted({ GITHUB_ORG_ALLOW_LIST: [], AUTO_ACTIVATE_ACCOUNTS: true }), [undefined, 'refused'])
  assert.match(
    made({ GITHUB_ORG_ALLOW_LIST: [], AUTO_ACTIVATE_ACCOUNTS: true }, github).said('GITHUB_ORG_ALLOW_LIST'),
    /a fault/,
  )
})

test('EMAIL_DOMAIN_ALLOW_LIST: a list, null and [] hold for e-mail and Google; only null is activated', () => {
  const env = 'MAIL_PASSWORD=p\nGOOGLE_OAUTH_CLIENT_ID=g\nGOOGLE_OAUTH_CLIENT_SECRET=s\n'
  const admitted = (settings: object) => {
    const { email, google } = made({ ...sound, EMAIL_AUTH_SMTP_SETTINGS: smtp, ...settings }, env).config.plugins
    return [email?.config?.domains, email?.admission?.state, google?.admission]
  }
  const domains = ['cam.example', '*.cam.example']
  const listed = { EMAIL_DOMAIN_ALLOW_LIST: ['Cam.example'] }
  assert.deepEqual(admitted(listed), [domains, 'pending', { allow: { domains }, state: 'pending' }])
  assert.equal(admitted({ ...listed, EMAIL_AUTO_ACTIVATE_ACCOUNTS: true })[1], 'pending')
  assert.deepEqual(admitted({ EMAIL_DOMAIN_ALLOW_LIST: null }), [undefined, 'pending', { state: 'pending' }])
  assert.equal(admitted({ EMAIL_DOMAIN_ALLOW_LIST: null, AUTO_ACTIVATE_ACCOUNTS: true })[1], 'active')
  for (const closed of [{ EMAIL_DOMAIN_ALLOW_LIST: [] }, {}, { AUTO_ACTIVATE_ACCOUNTS: true }])
    assert.deepEqual(admitted(closed), [undefined, 'refused', { state: 'refused' }])
})

test('ORCID activates by its own setting or by that of all, and any text is the sandbox', () => {
  const env = 'ORCID_OAUTH_CLIENT_ID=APP-1\nORCID_OAUTH_CLIENT_SECRET=s\n'
  const state = (settings: object) => made({ ...sound, ...settings }, env).config.plugins.orcid?.admission?.state
  assert.equal(state({}), 'pending')
  assert.equal(state({ ORCID_AUTO_ACTIVATE_ACCOUNTS: true }), 'active')
  assert.equal(state({ AUTO_ACTIVATE_ACCOUNTS: true, ORCID_AUTO_ACTIVATE_ACCOUNTS: false }), 'active')
  const sandbox = made(sound, `${env}OAUTH_ORCID_SANDBOX=false`)
  assert.equal(sandbox.config.plugins.orcid?.config?.sandbox, true)
  assert.equal(sandbox.fate('OAUTH_ORCID_SANDBOX'), 'decide')
})

test('half of an OAuth app is no sign-in, and what hangs on it is to decide', () => {
  const half = made({ ...sound, GITHUB_ORG_ALLOW_LIST: ['9919'] }, 'GITHUB_OAUTH_CLIENT_ID=Ov23li')
  assert.equal(half.config.plugins.github, undefined)
  for (const name of ['GITHUB_OAUTH_CLIENT_ID', 'GITHUB_OAUTH_CLIENT_SECRET', 'GITHUB_ORG_ALLOW_LIST', 'plugins'])
    assert.equal(half.fate(name), 'decide', name)
})

test('Microsoft waits as a comment for its tenant', () => {
  const { config, text, fate } = made(sound, 'MICROSOFT_OAUTH_CLIENT_ID=m\nMICROSOFT_OAUTH_CLIENT_SECRET=s\n')
  assert.equal(config.plugins.microsoft, undefined)
  assert.match(text, /^ {2}# microsoft:\n {2}# {3}use: "@labgate\/auth-oidc"$/m)
  assert.equal(fate('MICROSOFT_OAUTH_CLIENT_ID'), 'decide')
})

test('mail: the sender with its name, TLS, the password by reference, and no sign-in that datalab had not', () => {
  const mail = (settings: object, env = 'MAIL_PASSWORD=p') =>
    made({ ...sound, EMAIL_DOMAIN_ALLOW_LIST: null, EMAIL_AUTH_SMTP_SETTINGS: { ...smtp, ...settings } }, env)
  const named = mail({ MAIL_DEFAULT_SENDER: '"Grey, Lab" <grey@example.org>', MAIL_SERVER: 'smtp.example.org' })
  assert.deepEqual(named.config.mail, {
    from: { name: 'Grey, Lab', address: 'grey@example.org' },
    smtp: { host: 'smtp.example.org', username: 'datalab', password: { env: 'MAIL_PASSWORD' } },
  })
  const inClear = mail({ MAIL_USE_TLS: false, MAIL_SERVER: 'smtp.example.org' })
  assert.equal((inClear.config.mail as { smtp: { security: string } }).smtp.security, 'starttls')
  assert.equal(inClear.fate('EMAIL_AUTH_SMTP_SETTINGS.MAIL_USE_TLS'), 'decide')
  assert.equal((mail({ MAIL_USE_TLS: false }).config.mail as { smtp: { security: string } }).smtp.security, 'none')
  const without = mail({}, '')
  assert.deepEqual([without.config.mail, without.config.plugins.email], [undefined, undefined])
  assert.equal(without.config.plugins.datalab?.config?.magicLinks, false)
  const noName = mail({ MAIL_USERNAME: '' }, '')
  assert.ok(noName.config.mail)
  assert.equal(noName.config.plugins.email, undefined)
  const off = made({ ...sound, EMAIL_AUTH_SMTP_SETTINGS: smtp, DISABLE_MAGIC_LINK_AUTH: true }, 'MAIL_PASSWORD=p')
  assert.equal(off.config.plugins.email?.enabled as unknown, false)
  assert.equal(off.config.plugins.datalab?.config?.magicLinks, false)
  const inFile = mail({ MAIL_PASSWORD: 'stands-in-the-file' })
  assert.equal(inFile.fate('EMAIL_AUTH_SMTP_SETTINGS.MAIL_PASSWORD'), 'decide')
  assert.ok(!inFile.text.includes('stands-in-the-file'))
})

test('a file system behind SSH waits for its host key; those that are mounted come along', () => {
  const remotes = [
    { name: 'Share', hostname: null, path: '/mnt/share' },
    { name: 'XRD', hostname: 'ssh://reader@xrd.example.org:2222', path: '/data' },
    { name: 'Plain', hostname: 'nas', path: '/data' },
    { name: 'Share', path: '/mnt/other' },
    { name: 'Größe', path: '/mnt/x' },
    { name: 'Home', path: '~/data' },
    { name: 'Odd', hostname: '-oProxyCommand=x', path: '/data' },
    { name: 'Mistyped', host: 'xrd', path: '/etc' },
  ]
  const { config, text, said, fate } = made({ ...sound, REMOTE_FILESYSTEMS: remotes, REMOTE_CACHE_MAX_AGE: 30 })
  const kept = [{ name: 'Share', path: '/mnt/share', visibleTo: { everyone: true } }]
  assert.deepEqual(config.plugins.datalab?.config?.remotes, {
    cacheFolder: place.cacheFolder,
    maxAge: '30m',
    fileSystems: kept,
  })
  assert.match(said('REMOTE_FILESYSTEMS[1]'), /ssh-keyscan -p 2222 xrd\.example\.org \| ssh-keygen -lf -/)
  assert.match(said('REMOTE_FILESYSTEMS[2]'), /ssh-keyscan nas \|/)
  assert.doesNotMatch(text + said('REMOTE_FILESYSTEMS[6]'), /oProxyCommand/)
  for (const index of [1, 2, 3, 4, 5, 6, 7]) assert.equal(fate(`REMOTE_FILESYSTEMS[${index}]`), 'decide')
  // Without the signs of a comment it is an entry that lacks its key alone.
  const lines = text.split('\n').map((line) => line.replace(/^ {10}# /, ''))
  const [begin, end] = [lines.indexOf('- name: XRD'), lines.indexOf('      file: /run/secrets/remote_key')]
  const [entry] = parse(lines.slice(begin, end + 1).join('\n')) as Made['config'][]
  const { host, port, user, hostKeys } = (entry?.ssh ?? {}) as Record<string, unknown>
  assert.deepEqual([host, port, user, hostKeys], ['xrd.example.org', 2222, 'reader', ['SHA256:…']])
})

test('with only file systems behind SSH the whole section waits', () => {
  const { config, text } = made({ ...sound, REMOTE_FILESYSTEMS: [{ name: 'XRD', hostname: 'xrd', path: '/data' }] })
  assert.equal(config.plugins.datalab?.config?.remotes, undefined)
  const uncommented = text.slice(text.indexOf('# remotes:')).replaceAll(/^ *# /gm, '')
  assert.equal(
    (parse(uncommented) as { remotes: { fileSystems: { name: string }[] } }).remotes.fileSystems[0]?.name,
    'XRD',
  )
})

test('without prefix or application the entry of datalab is a comment that can be completed', () => {
  for (const settings of [
    { APP_URL: sound.APP_URL },
    { ...sound, IDENTIFIER_PREFIX: 'my-lab-01' },
    { IDENTIFIER_PREFIX: 'grey' },
  ]) {
    const { config, text } = made(settings, github)
    assert.deepEqual(Object.keys(config.plugins), ['github'])
    const entry = parse(text.slice(text.indexOf('  # datalab:')).replaceAll(/^ {2}# /gm, '')) as Made['config']
    assert.equal((entry.datalab as { use: string }).use, '@labgate/authz-datalab')
  }
})

test('an admin is named only where there is a sign-in that vouches for the address', () => {
  assert.equal(made(sound, github, { email: 'ada@example.org' }).config.admins, undefined)
  const email = { ...sound, EMAIL_AUTH_SMTP_SETTINGS: smtp }
  const { config } = made(email, 'MAIL_PASSWORD=p', { email: 'ada@example.org' })
  assert.deepEqual(config.admins, ['email:ada@example.org'])
})

test('TESTING true is refused, wherever it stands', () => {
  assert.match(
    wrong({ ...sound, TESTING: true }),
    /^ERR_CONFIG\ndatalab\.json:4:14: TESTING: is true: there everybody is an admin/,
  )
  assert.match(
    wrong(sound, 'PYDATALAB_TESTING=0\npydatalab_testing=1'),
    /\.env:2: .*stands on line 1 in other capitals/,
  )
  assert.match(wrong(sound, 'A=1\nPYDATALAB_TESTING=1'), /^ERR_CONFIG\n\.env:2: PYDATALAB_TESTING: is true/)
})

test('what is wrong is told at once, each with place and mend, and no value is repeated', () => {
  const told = wrong(
    {
      IDENTIFIER_PREFIX: 7,
      APP_URL: 'lab.example.org/very-secret',
      SESSION_LIFETIME: 'a while',
      BEHIND_REVERSE_PROXY: 'perhaps',
      GITHUB_ORG_ALLOW_LIST: 'very-secret',
      EMAIL_DOMAIN_ALLOW_LIST: ['@very-secret.org'],
      REMOTE_CACHE_MAX_AGE: 5,
      REMOTE_CACHE_MIN_AGE: 10,
      REMOTE_FILESYSTEMS: [{ name: 'X' }, 'very-secret'],
      EMAIL_AUTH_SMTP_SETTINGS: { MAIL_DEFAULT_SENDER: 'very-secret', MAIL_PORT: 70000 },
      DEPLOYMENT_METADATA: { homepage: 'very-secret', maintainer: { contact_email: 'very-secret' } },
      ROOT_PATH: '/a b',
    },
    'PYDATALAB_MAX_CONTENT_LENGTH=-1',
  )
  assert.doesNotMatch(told, /very-secret/)
  for (const part of [
    'datalab.json:2:24: IDENTIFIER_PREFIX: must be a text',
    'datalab.json:3:14: APP_URL: must be an address such as',
    'datalab.json:4:23: SESSION_LIFETIME: must be a whole number from 1 to',
    'datalab.json:5:27: BEHIND_REVERSE_PROXY: must be true or false',
    'GITHUB_ORG_ALLOW_LIST: must be a list of texts, or null',
    'EMAIL_DOMAIN_ALLOW_LIST: must list domains',
    'the least age (10 minutes) is more than the most (5 minutes, datalab.json:10)',
    'REMOTE_FILESYSTEMS[0].path: is missing',
    'REMOTE_FILESYSTEMS[1]: must have name, hostname and path',
    'EMAIL_AUTH_SMTP_SETTINGS.MAIL_DEFAULT_SENDER: must be an e-mail address',
    'EMAIL_AUTH_SMTP_SETTINGS.MAIL_PORT: must be a whole number from 1 to 65535',
    'DEPLOYMENT_METADATA.homepage: must be an address',
    'DEPLOYMENT_METADATA.maintainer.contact_email: must be an e-mail address',
    'ROOT_PATH: must be a path',
    '.env:1: PYDATALAB_MAX_CONTENT_LENGTH: must be a whole number from 1 to',
  ])
    assert.ok(told.includes(part), `${part} in ${told}`)
})

test('one age alone is compared with what datalab takes for the other', () => {
  assert.match(
    wrong({ ...sound, REMOTE_CACHE_MIN_AGE: 61 }),
    /the least age \(61 minutes\) is more than the most \(60 minutes\)/,
  )
  assert.match(
    wrong({ ...sound, REMOTE_CACHE_MAX_AGE: 0 }),
    /the least age \(1 minutes\) is more than the most \(0 minutes/,
  )
})

test('a file that is no config is refused at its place, and nothing of it is repeated', () => {
  for (const [text, at] of [
    ['{"SECRET_KEY": "very-secret', 'datalab.json:1:'],
    [
      '{"APP_URL": "https://a.example",\n "APP_URL": "https://b.example"}',
      'datalab.json:2:2: this key stands here twice',
    ],
    ['["very-secret"]', 'datalab.json:1:1: must be `key: value` lines'],
    ['very-secret', 'datalab.json:1:1: must be'],
    ['a: &x very-secret\nb: *x\n', 'datalab.json:'],
    ['SECRET_KEY: !python very-secret', 'datalab.json:'],
    ['\u0000\u0001very-secret: [', 'datalab.json:'],
  ] as const) {
    const told = wrong(text)
    assert.ok(told.includes(at), `${at} in ${told}`)
    assert.doesNotMatch(told, /very-secret/)
  }
  const env = ['no value here', "MAIL_PASSWORD='open", 'A="b" c', 'A=1\nA=2', `MAIL_PASSWORD=\${OTHER}`, 'A=x\0y']
  const lines = [
    'must be NAME=value',
    'has no closing single quote',
    'goes on behind',
    'stands on line 1 already',
    'refers to another',
    'no text',
  ]
  for (const [index, text] of env.entries())
    assert.ok(wrong(sound, text).includes(lines[index] ?? '?'), wrong(sound, text))
})

test('names like __proto__ are keys like any other', () => {
  const { fate, config } = made(
    '{"__proto__": {"APP_URL": "https://evil.example"}, "constructor": 1, "IDENTIFIER_PREFIX": "grey"}',
  )
  assert.deepEqual([fate('__proto__'), fate('constructor'), config.plugins], ['unknown', 'unknown', {}])
})

test('whatever the texts are, the file says what is meant and nothing else', () => {
  const nasty = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.constantFrom(
      'a\nplugins: {}',
      '# x',
      '- x',
      '*a',
      '&a',
      '!!js',
      "'",
      '"',
      '{ env: HOME }',
      '\u2028x: y',
      '\u0085a: b',
      'a: b',
      '|',
      '>-',
    ),
  )
  const entries = fc.record({ name: nasty, hostname: fc.option(nasty), path: nasty.map((text) => `/${text}`) })
  fc.assert(
    fc.property(nasty, nasty, fc.array(entries, { maxLength: 3 }), nasty, (name, person, remotes, password) => {
      const settings = {
        ...sound,
        REMOTE_FILESYSTEMS: remotes,
        DEPLOYMENT_METADATA: { maintainer: { display_name: person, contact_email: 'mia@example.org' } },
        EMAIL_AUTH_SMTP_SETTINGS: { MAIL_DEFAULT_SENDER: 'a@example.org', MAIL_USERNAME: name },
      }
      const env = `MAIL_PASSWORD=${JSON.stringify(password.replaceAll(/[\0$]/g, ''))}`
      let outcome: Made
      try {
        outcome = made(settings, env)
      } catch (error) {
        return assert.ok(isFault(error) && error.code === 'ERR_CONFIG', String(error))
      }
      const { config } = outcome
      assert.deepEqual(
        Object.keys(config.plugins).filter((id) => !['datalab', 'email'].includes(id)),
        [],
      )
      const { mail, issuer } = config as unknown as { mail?: { smtp: { username?: string } }; issuer: string }
      assert.equal(issuer, place.issuer)
      if (mail?.smtp.username !== undefined) assert.equal(mail.smtp.username, name.trim())
      const kept =
        (config.plugins.datalab?.config?.remotes as { fileSystems: { name: string }[] } | undefined)?.fileSystems ?? []
      for (const one of kept) assert.ok(remotes.some((remote) => remote.name.trim() === one.name))
    }),
    { numRuns: 60 },
  )
})

test('a .env is read as python-dotenv reads it', () => {
  const text = `\uFEFF# a comment\r\nexport A = one # two\nB='it\\'s # no comment \${X}'\nC="two\\nlines \\"x\\""\nD="over\nlines"\nE=\nF\nG=a#b\n`
  const read = Object.fromEntries(
    [...parseEnvFile(text, '.env').variables].map(
      ([
        name,
        {
          value,
          place: { line },
        },
      ]) => [name, [value, line]],
    ),
  )
  assert.deepEqual(parseEnvFile(text, '.env').problems, [])
  assert.deepEqual(read, {
    ...{ A: ['one', 2], B: [`it's # no comment \${X}`, 3], C: ['two\nlines "x"', 4], D: ['over\nlines', 5] },
    ...{ E: ['', 7], G: ['a#b', 9] },
  })
})

test('the new .env says the same to a shell and to dotenv', async () => {
  const values = [
    'plain',
    'a b',
    `it's "q" $HOME \`id\` \\ x`,
    'tab\there',
    '#x',
    'a=b',
    "'",
    '"',
    '\\',
    'ü€',
    ' blanks ',
  ]
  const variables = values.map((value, index) => ({ name: `V${index}`, value, why: 'A test.' }))
  const text = envFileText(variables)
  const script = `set -a; ${text}\n${values.map((_, index) => `printf '%s\\0' "$V${index}"`).join('; ')}`
  const { output } = await run(script, root)
  assert.deepEqual(output.split('\0').slice(0, -1), values)
  // No spelling of a quote beside a dollar sign is the same to both.
  const read = parseEnvFile(envFileText(variables.filter(({ value }) => !/'.*\$/.test(value))), '.env')
  assert.deepEqual(read.problems, [])
  assert.deepEqual(
    [...read.variables.values()].map(({ value }) => value),
    values.filter((value) => !/'.*\$/.test(value)),
  )
})

test('neither file is overwritten, no link followed, and both or none are written', async (t) => {
  for (const taken of ['labgate.yaml', 'labgate.env']) {
    const folder = await folderOf(t)
    await mkdir(join(folder, 'config'))
    await writeFile(join(folder, 'config', taken), 'mine')
    const { code, err, out } = await labgate(argv, { cwd: folder })
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, new RegExp(`config/${taken} is there already; choose another one with --config`))
    assert.deepEqual(await readdir(join(folder, 'config')), [taken])
    assert.equal(await readFile(join(folder, 'config', taken), 'utf8'), 'mine')
  }
  const folder = await folderOf(t)
  await symlink(join(folder, 'elsewhere'), join(folder, 'labgate.yaml'))
  assert.equal((await labgate([...argv, '-c', 'labgate.yaml'], { cwd: folder })).code, 1)
  assert.ok(!(await readdir(folder)).some((name) => ['elsewhere', 'labgate.env'].includes(name)))
})

test('nothing is written when something is wrong, and who, what and how are told', async (t) => {
  const folder = await folderOf(t)
  const said = async (...words: string[]) => {
    const { code, err } = await labgate(['init', ...words], { cwd: folder })
    assert.ok(code !== 0)
    assert.deepEqual((await readdir(folder)).sort(), files)
    return err
  }
  await writeFile(join(folder, 'testing.yaml'), 'TESTING: true\n')
  await writeFile(join(folder, 'large.json'), ' '.repeat(1024 * 1024 + 1))
  const files = (await readdir(folder)).sort()
  assert.match(await said('--from-datalab', 'none.json'), /none\.json: there is no such file/)
  assert.match(await said('--from-datalab', '.'), /\.: is no file/)
  assert.match(await said('--from-datalab', 'large.json'), /larger than 1 MB/)
  assert.match(await said('--from-datalab', 'testing.yaml'), /testing\.yaml:1:10: TESTING: is true/)
  assert.match(await said('--from-datalab', 'datalab.json', '--env', 'none.env'), /none\.env: there is no such file/)
  assert.match(await said('--from-datalab', 'datalab.json', '--issuer', 'example.org'), /issuer: must be an origin/)
  assert.match(await said('--env', 'datalab.env'), /--env goes with --from-datalab/)
})
