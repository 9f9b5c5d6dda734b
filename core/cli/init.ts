/** `labgate init`: writes a first config, with every choice explained beside it. @module */
import { writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Fault } from '@labgate/contract'
import { makeFolder } from '../storage/folder.ts'
import { type Args, type Command, configFile, configOption, type Io, print, textOption, wrongUse } from './command.ts'

/** Writes a commented config file; never overwrites one. */
export const command: Command = {
  name: 'init',
  summary: 'Write a first config file, with comments.',
  usage: [
    'init [--issuer URL] [--name NAME] [--email ADDRESS] [--from-datalab FILE [--env FILE]] [--config FILE]',
    'With --from-datalab the settings of a datalab are taken over, and a second file beside the config (labgate.env)',
    'has the secrets. What became of each setting is printed; docs/migrate-datalab.md says more.',
  ].join('\n'),
  options: {
    issuer: { type: 'string', value: 'URL', description: 'Origin people will use (default http://localhost:8080).' },
    name: { type: 'string', value: 'NAME', description: 'Name of the site (default Labgate).' },
    email: { type: 'string', value: 'ADDRESS', description: 'Your e-mail address: the first admin.' },
    'from-datalab': { type: 'string', value: 'FILE', description: 'Config of a datalab, JSON or YAML, to begin from.' },
    env: { type: 'string', value: 'FILE', description: 'The .env of that datalab, with its secrets.' },
    config: configOption,
  },
  run,
}

async function run(args: Args, io: Io): Promise<number> {
  const file = configFile(args, io)
  if (textOption(args, 'from-datalab') !== undefined) return fromDatalab(args, io)
  if (textOption(args, 'env') !== undefined) return wrongUse(io, '--env goes with --from-datalab')
  const answers = {
    issuer: textOption(args, 'issuer') ?? 'http://localhost:8080',
    name: textOption(args, 'name') ?? 'Labgate',
    email: textOption(args, 'email'),
  }
  const text = configText(answers)
  await refuseMistakes(text, file)
  await writeNew(resolve(io.cwd, file), { text, file })
  for (const line of nextSteps(file, answers)) print(io, line)
  return 0
}

async function fromDatalab(args: Args, io: Io): Promise<number> {
  const { envFileOf, writeFromDatalab } = await import('./from-datalab/write.ts')
  const { reportOf } = await import('./from-datalab/from-datalab.ts')
  const [file, env] = [configFile(args, io), textOption(args, 'env')]
  const translated = await writeFromDatalab(
    {
      ...{ from: textOption(args, 'from-datalab') ?? '', env, config: file },
      ...{ issuer: textOption(args, 'issuer'), name: textOption(args, 'name') ?? 'Labgate' },
      email: textOption(args, 'email'),
    },
    io,
  )
  const secrets = translated.secrets.map(({ name }) => name).join(', ')
  print(io, `Wrote ${file}, and ${envFileOf(file)} with the secrets: ${secrets}.`)
  if (env === undefined)
    print(io, 'No --env was given: what datalab reads from its .env, secrets and sign-ins, is not there.')
  for (const line of reportOf(translated)) print(io, line)
  for (const line of [
    '',
    'Next:',
    '  1. look at what is to decide, and at the comments in the file',
    `  2. set -a; . ${shellPath(envFileOf(file))}; set +a   (or EnvironmentFile= of systemd; keep the file, and keep it secret)`,
    `  3. labgate check --config ${file}, and labgate check --redirect-uris --config ${file}: register what it prints`,
    `  4. labgate serve --config ${file}`,
  ])
    print(io, line)
  return 0
}

/** A shell looks for a file without a slash on its PATH. */
function shellPath(file: string): string {
  return file.includes('/') ? file : `./${file}`
}

/** What `init` was told. */
export interface Answers {
  readonly issuer: string
  readonly name: string
  readonly email: string | undefined
}

/** The text of a first config. */
function configText({ issuer, name, email }: Answers): string {
  const admin =
    email === undefined ? '# admins:\n#   - email:you@example.org' : `admins:\n  - ${quoted(`email:${email}`)}`
  return `# Labgate. Every option: docs/configure.md. Check with \`labgate check\`, start with \`labgate serve\`.

# Where people and services reach Labgate. It is in every token: choose it once.
issuer: ${quoted(issuer)}
name: ${quoted(name)}

# Put a reverse proxy with TLS in front, or set listen.tls.
listen:
  host: 127.0.0.1
  port: 8080
# proxies: [127.0.0.1]

# Seals secrets in the database. Secrets are references: { env: NAME } or { file: PATH }.
keys:
  - env: ${keyName}

# Mails go to a folder until you name a mail server.
mail:
  from: { address: ${senderOf(issuer)} }
  outbox: data/outbox
  # smtp:
  #   host: smtp.example.org
  #   username: labgate
  #   password: { env: SMTP_PASSWORD }

# Ways to sign in, each under an id that stays.
plugins:
  email:
    use: "@labgate/auth-email"
    # Who may come in; without a rule, everyone with an e-mail address.
    # admission:
    #   allow: { domains: [example.org, "*.example.org"] }
  # university:
  #   use: "@labgate/auth-oidc"
  #   config:
  #     issuer: https://login.example.org
  #     clientId: labgate
  #     clientSecret: { env: UNIVERSITY_SECRET }

# People who become admins by signing in. Without them, a one-time code is printed at the first start.
${admin}

# Services that ask Labgate who somebody is.
# clients:
#   wiki:
#     name: Our wiki
#     secret: { env: WIKI_SECRET }
#     redirectUris: [https://wiki.example.org/callback]
`
}

/** A host name with a dot can have mail; `localhost` and addresses cannot. */
function senderOf(issuer: string): string {
  const host = URL.canParse(issuer) ? new URL(issuer).hostname : ''
  return /^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]+$/.test(host) ? `labgate@${host}` : 'labgate@example.org'
}

const keyName = 'SEALING_KEY'

function quoted(text: string): string {
  return /^[A-Za-z][A-Za-z0-9 ./:@_-]*$/.test(text) && !/: | $|:$/.test(text) ? text : JSON.stringify(text)
}

/** What was handed over must stand the schema: a wrong issuer is told before a file is written. */
async function refuseMistakes(text: string, file: string): Promise<void> {
  const { parseConfig } = await import('../config/load.ts')
  parseConfig(text, { name: `${file} (not written)`, env: { [keyName]: 'checked for its presence only' } })
}

async function writeNew(path: string, { text, file }: { text: string; file: string }): Promise<void> {
  makeFolder(dirname(path), { mode: 0o777 })
  try {
    await writeFile(path, text, { flag: 'wx' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    throw new Fault('ERR_CONFIG', `${file} is there already; choose another one with --config`, { cause: error })
  }
}

function nextSteps(file: string, { issuer, email }: Answers): string[] {
  return [
    `Wrote ${file}. Next:`,
    `  1. export ${keyName}="$(openssl rand -base64 32)"   (keep it: without it the database cannot be read)`,
    `  2. labgate check --config ${file}`,
    `  3. labgate serve --config ${file}, then open ${issuer}/account`,
    email === undefined
      ? '  The first admin signs in with the one-time code that the first start prints.'
      : `  ${email} becomes admin by signing in.`,
  ]
}
