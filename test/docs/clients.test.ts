/** docs/clients: both sides of every page are what the presets say, and agree with each other and with a running Labgate. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { checkConfig } from '../../core/config/check.ts'
import { parseConfig } from '../../core/config/load.ts'
import { presetRecipe, presetSettings } from '../../core/oidc/client-presets.ts'
import { type PresetName, presetNames } from '../../core/oidc/client-recipes.ts'
import { labgate } from '../support/command-line.ts'
import { startLabgate, type TestLabgate } from '../support/labgate.ts'
import { root } from '../support/sources.ts'

const folder = join(root, 'docs', 'clients')
const issuer = 'https://id.lab.example'

interface Page {
  readonly text: string
  readonly command: string
  readonly ours: { readonly clients: Record<string, Record<string, unknown>>; readonly resources?: object }
  readonly theirs: string
}

function page(name: string): Page {
  const text = readFileSync(join(folder, `${name}.md`), 'utf8')
  const blocks = [...text.matchAll(/^```\w+\n(.*?)^```$/gms)].map(([, block = '']) => block)
  assert.equal(blocks.length, 3, name)
  const [command = '', ours = '', theirs = ''] = blocks
  return { text, command: command.trim(), ours: parse(ours), theirs }
}

const client = ({ ours }: Page) => Object.entries(ours.clients)[0] ?? assert.fail('no client')

/** The words that follow `labgate`, as a shell would cut them. */
const words = (command: string) =>
  [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '').slice(1)

test('every preset has its page, and the list of pages names them all', () => {
  assert.deepEqual(readdirSync(folder).toSorted(), presetNames.map((name) => `${name}.md`).toSorted())
  const list = readFileSync(join(root, 'docs', 'README.md'), 'utf8')
  for (const name of presetNames) assert.ok(list.includes(`clients/${name}.md`), name)
})

for (const name of presetNames) {
  test(`${name}: Labgate's side is a config that stands every check, and what the preset fills in`, () => {
    const [id, { name: shown, secret, ...settings }] = client(page(name))
    const { env } = secret as { env: string }
    const file = {
      issuer,
      keys: [{ env: 'SEALING_KEY' }],
      mail: { from: { address: 'lab@lab.example' }, outbox: 'out' },
    }
    const plugins = { email: { use: '@labgate/auth-email' } }
    const { config } = parseConfig(stringify({ ...file, plugins, ...page(name).ours }), {
      name: `${name}.md`,
      env: { [env]: 'x'.repeat(40), SEALING_KEY: 'x'.repeat(40) },
    })
    const errors = checkConfig(config).filter(({ path }) => path[0] === 'clients' || path[0] === 'resources')
    assert.deepEqual(errors, [])
    assert.ok(id.length > 0 && String(shown).length > 0)
    const url = String(settings.homepage).replace(/\/$/, '')
    assert.deepEqual(settings, { ...presetSettings(name, url) })
  })

  test(`${name}: the other side's file is what the command prints, to the letter`, () => {
    const read = page(name)
    const [id, { homepage }] = client(read)
    const url = String(homepage).replace(/\/$/, '')
    const recipe = presetRecipe(name, { issuer, site: 'Example Lab', id, secret: 'THE-SECRET', url })
    assert.equal(read.theirs, recipe.text)
    assert.ok(read.text.includes(`## Its own side: ${recipe.file}\n`))
  })
}

suite('presets at a running Labgate', () => {
  let site: TestLabgate
  let known: Record<string, unknown>

  before(async () => {
    site = await startLabgate({
      resources: { 'https://webknossos.lab.example': { scopes: ['openid', 'profile', 'email'], format: 'jwt' } },
    })
    known = (await (await fetch(`${site.issuer}/.well-known/openid-configuration`)).json()) as Record<string, unknown>
    const config = {
      issuer: site.issuer,
      demo: true,
      data: site.folder,
      plugins: { email: { use: '@labgate/auth-email' } },
    }
    const { writeConfig } = await import('../support/command-line.ts')
    await writeConfig(site.folder, {
      ...config,
      resources: { 'https://webknossos.lab.example': { scopes: ['openid', 'profile', 'email'], format: 'jwt' } },
    })
  })
  after(() => site.stop())

  const run = (argv: readonly string[]) =>
    labgate([...argv, '--config', join(site.folder, 'labgate.yaml')], { cwd: site.folder })

  for (const name of presetNames) {
    test(`${name}: the page's command adds it, and every address, scope and the secret that it prints are right`, async () => {
      const { code, out, err } = await run([...words(page(name).command), '--json'])
      assert.equal(code, 0, err)
      const added = JSON.parse(out) as Record<string, unknown> & { recipe: { text: string } }
      const { text } = added.recipe
      assertAgrees(name, { text, known, issuer: site.issuer })
      assert.equal(text.split(String(added.secret)).length, 2, 'the secret stands there once')
      assert.deepEqual(redirectOf(name, text), (added.redirectUris as string[])[0])
      assertScopes(text, added)
      const back = /post_logout_redirect_uri[=:]\s*([^\s"&]+)/.exec(text)?.[1]
      if (back) assert.ok((added.postLogoutRedirectUris as string[]).includes(decodeURIComponent(back)), back)
      assert.doesNotMatch((await run(['client', 'show', String(added.id)])).out, new RegExp(String(added.secret)))
    })
  }

  test('what is asked wrongly is told before anything is written', async () => {
    const wrong: readonly (readonly [string[], RegExp, number?])[] = [
      [['--preset', 'grafena', '--url', 'https://g.example'], /no preset grafena; did you mean `grafana`\?/],
      [['--preset', 'grafana'], /needs --url/],
      [['--url', 'https://g.example'], /goes with --preset/],
      [['--preset', 'grafana', '--url', 'https://g.example/?x=1'], /without \? and #/, 1],
      [['--preset', 'grafana', '--url', 'ftp://g.example'], /looks like https/, 1],
      [['--preset', 'grafana', '--url', 'http://g.example', '--public'], /leave --public away/],
    ]
    for (const [argv, message, expected = 2] of wrong) {
      const { code, err } = await run(['client', 'add', 'wrong', ...argv])
      assert.equal(code, expected)
      assert.match(err, message)
    }
    const { code, err } = await run([
      'client',
      'add',
      'wrong',
      '--preset',
      'webknossos',
      '--url',
      'https://other.example',
    ])
    assert.equal(code, 1)
    assert.match(err, /o resource server https:\/\/other\.example in the config file/)
    assert.equal((await run(['client', 'show', 'wrong'])).code, 1)
  })

  test('options beside a preset win, and a path of the address stays', async () => {
    const argv = ['client', 'add', 'lab', '--preset', 'jupyterhub', '--url', 'https://lab.example/jupyter/', '--json']
    const added = JSON.parse((await run([...argv, '--scope', 'openid', '--id-token-alg', 'ES256'])).out)
    assert.deepEqual(added.redirectUris, ['https://lab.example/jupyter/hub/oauth_callback'])
    assert.deepEqual([added.scopes, added.idTokenAlg, added.pkce], [['openid'], 'ES256', true])
    const given = ['client', 'add', 'lab-proxy', '--preset', 'oauth2-proxy', '--url', 'https://lab.example', '--json']
    const back = 'https://lab.example/other/callback'
    const { text } = JSON.parse((await run([...given, '--scope', 'openid', '--redirect-uri', back])).out).recipe
    assert.match(text, /^scope = "openid"$/m, 'both sides agree on what was said beside the preset')
    assert.ok(text.includes(`redirect_url = "${back}"`))
    const below = (name: PresetName) =>
      presetRecipe(name, { issuer, site: 'Lab', id: 'x', secret: 's', url: 'https://lab.example/below' }).text
    assert.match(below('oauth2-proxy'), /^proxy_prefix = "\/below\/oauth2"$/m)
    assert.match(below('grafana'), /^root_url = https:\/\/lab\.example\/below\/\nserve_from_sub_path = true$/m)
    const hub = ['client', 'add', 'hub2', '--preset', 'jupyterhub', '--url', 'https://hub.example', '--json']
    const basic = JSON.parse((await run([...hub, '--auth-method', 'client_secret_basic'])).out)
    assert.match(basic.recipe.text, /basic_auth = True/)
    const { code, err } = await run([
      ...hub.with(2, 'hub3'),
      '--profile',
      'fapi2',
      '--jwks-uri',
      'https://hub.example/keys',
    ])
    assert.equal(code, 1)
    assert.match(err, /Presets are for programs that keep a secret/)
  })
})

/** Every address of the issuer in the text is one of its discovery document. */
function assertAgrees(
  name: PresetName,
  { text, known, issuer: ours }: { text: string; known: Record<string, unknown>; issuer: string },
): void {
  const { origin } = new URL(ours)
  const found = [...text.matchAll(new RegExp(`${origin}[^\\s"?]*`, 'g'))].map(([address]) => address)
  const right = new Set([...Object.values(known), `${origin}/`, `${origin}/.well-known/openid-configuration`])
  assert.ok(found.length > 0, name)
  for (const address of found) assert.ok(right.has(address), `${name}: ${address}`)
}

function redirectOf(name: PresetName, text: string): string {
  // Two programs know their own address, and put the path behind it themselves.
  const roots: Partial<Record<PresetName, string>> = {
    grafana: `${/^root_url = (.*)\/$/m.exec(text)?.[1]}/login/generic_oauth`,
    webknossos: 'https://webknossos.lab.example/api/auth/oidc/callback',
  }
  return (
    roots[name] ??
    /(?:oauth_callback_url|redirect_url|OIDCRedirectURI|redirect_uri)\W+(https:[^\s"]+)/.exec(text)?.[1] ??
    ''
  )
}

function assertScopes(text: string, added: Record<string, unknown>): void {
  const said = /scopes?\b[" =:[]*(openid[\w ",]*)/i.exec(text)?.[1] ?? ''
  assert.deepEqual(said.match(/\w+/g), added.scopes)
}
