/** Does what examples/connectomics/README.md says: its one command, its shell lines, and by hand what is between them. @module */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { volume } from '../../examples/connectomics/volume.ts'
import { openIncognito } from '../support/browser.ts'
import { startExample } from '../support/example.ts'
import { browser, newestMail, signInByEmail } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { messageOn, Neuroglancer } from '../support/neuroglancer.ts'
import { readChallenge } from '../support/neuroglancer-fork.ts'
import { freePort, tempFolder } from '../support/program.ts'
import { run } from '../support/project.ts'
import { root } from '../support/sources.ts'
import type { Page, UserAgent } from '../support/user-agent.ts'

const folder = join(root, 'examples/connectomics')
const readme = await readFile(join(folder, 'README.md'), 'utf8')
/** Shell lines and what they print, in their order; the first block is the command that starts it all. */
const [, ...steps] = [...readme.matchAll(/```sh\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/g)].map(
  ([, script = '', prints = '']) => ({ script, prints }),
)

/** The lab on ports of its own: the README's ports stand for them. */
interface Running {
  readonly issuer: string
  readonly viewer: string
  readonly ngauth: string
  readonly cloud: string
  readonly service: string
  readonly said: string
  /** With this lab's ports and files. */
  local(text: string): string
  mail(to: string): ReturnType<typeof newestMail>
  stop(): Promise<void>
}

async function startLab(): Promise<Running> {
  const temporary = await tempFolder()
  const ports = new Map<string, number>()
  for (const port of ['8090', '8091', '8092', '8093', '8094']) ports.set(port, await freePort())
  const file = join(temporary.path, 'labgate.yaml')
  const local = (text: string) =>
    text
      .replace(/\b809[0-4]\b/g, (port) => String(ports.get(port)))
      .replaceAll('data/connectomics', join(temporary.path, 'data'))
      .replaceAll('examples/connectomics/labgate.yaml', file)
  await writeFile(file, local(await readFile(join(folder, 'labgate.yaml'), 'utf8')))
  const lab = await startExample(['connectomics', file])
  const { said } = lab
  assert.equal(lab.code, null, said)
  return {
    ...{ said, local },
    issuer: local('http://localhost:8090'),
    ngauth: local('http://127.0.0.1:8090'),
    service: local('http://127.0.0.1:8091'),
    cloud: local('http://127.0.0.1:8092'),
    viewer: local('http://localhost:8093'),
    mail: (to) => newestMail(join(temporary.path, 'data/outbox'), to),
    async stop() {
      await lab.stop()
      await temporary.remove()
    },
  }
}

/** `…` stands for anything. */
function expression(prints: string): RegExp {
  const parts = prints.trim().split('…')
  return new RegExp(`^${parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[\\s\\S]*')}$`)
}

describe('the example of a connectomics lab', { skip: needs('curl') }, () => {
  let lab: Running
  const tokens: Record<string, string> = {}
  const agents: Record<string, UserAgent> = {}
  before(async () => {
    lab = await startLab()
  })
  after(() => lab?.stop())

  async function makeToken(name: 'ada' | 'ben'): Promise<void> {
    const agent = browser()
    const at = `${lab.issuer}/auth/api/v1/create_token`
    const page = await signInByEmail(lab, agent, { at, email: `${name}@lab.example` })
    const made = await agent.press(page, 'Make a token')
    agents[name] = agent
    tokens[name.toUpperCase()] = /lgp_\w{38}/.exec(made.text)?.[0] ?? assert.fail(made.text)
  }

  async function does(script: string): Promise<void> {
    const step = steps.find((one) => one.script.includes(script)) ?? assert.fail(`the README has no ${script}`)
    const variables = Object.entries(tokens).map(([name, value]) => `${name}=${value}\n`)
    const { output, code } = await run(variables.join('') + lab.local(step.script), root)
    assert.match(output.trim(), expression(lab.local(step.prints)))
    assert.equal(code, 0)
    steps.splice(steps.indexOf(step), 1)
  }

  test('says where everything is', () => {
    for (const place of [lab.viewer, lab.service, lab.ngauth, lab.cloud, `${lab.issuer}/auth/api/v1/create_token`])
      assert.ok(lab.said.includes(place), `${place} in ${lab.said}`)
  })

  test('gives a token, and services read whose it is', async () => {
    await makeToken('ada')
    await does('/user/cache')
  })

  test('the service lets by whom the ledger lets by, and names the terms that are missing', async () => {
    await does('Origin: http://viewer.example')
    await does('$ADA" http://127.0.0.1:8091/table/fish_em/info')
    await does('$ADA" http://127.0.0.1:8091/table/cortex_em/info')
  })

  test('after the terms are accepted a chunk comes, by curl and byte for byte', async () => {
    const ada = agents.ada ?? assert.fail()
    const headers = { authorization: `Bearer ${tokens.ADA}` }
    const at = `${lab.service}/table/cortex_em`
    const { data } = (await (await fetch(`${at}/info`, { headers })).json()) as { data: { tos_form_url: string } }
    const page = await ada.open(data.tos_form_url)
    const form = page.forms.find(({ fields }) => fields.terms === 'cortex-terms')
    await ada.submit(page, form, { agree: 'yes', accept: 'yes' })
    await does('| wc -c')
    const chunk = await fetch(`${at}/8_8_40/0-64_0-64_0-16`, { headers })
    assert.deepEqual(new Uint8Array(await chunk.arrayBuffer()), volume(2)['8_8_40/0-64_0-64_0-16'])
  })

  test('a right that is given counts at the next request', async () => {
    await makeToken('ben')
    const refused = steps.find(({ prints }) => prints.includes('missing_permission')) ?? assert.fail()
    await does(refused.script)
    await does('grant add name:email:ben@lab.example')
  })

  test('a browser at the service is sent to sign in, to the terms, and back with the token in a cookie', async () => {
    const agent = browser()
    const at = `${lab.service}/table/cortex_em/info`
    const page = await signInByEmail(lab, agent, { at, email: 'cleo@lab.example' })
    const form = page.forms.find(({ fields }) => fields.terms === 'cortex-terms')
    const info = await agent.submit(page, form, { agree: 'yes', accept: 'yes' })
    assert.equal(info.url.href, at, 'no token is left in the address')
    assert.equal(JSON.parse(info.text)['@type'], 'neuroglancer_multiscale_volume')
    assert.ok(agent.cookies.some(({ name, attributes }) => name === 'middle_auth_token' && /HttpOnly/.test(attributes)))
  })

  test('what is no token, no Bearer and no table is said as middle_auth_client says it', async () => {
    const at = (table: string) => `${lab.service}/table/${table}/info`
    for (const [authorization, table, status, error] of [
      ['Bearer made-up', 'fish_em', 401, 'invalid_token'],
      ['Basic made-up', 'fish_em', 400, 'bad_auth_header'],
      [`Bearer ${tokens.ADA}`, 'nowhere', 400, 'invalid_table_id'],
    ] as const) {
      const answer = await fetch(at(table), { headers: { authorization } })
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [status, 'application/json'])
      assert.equal(((await answer.json()) as { error: string }).error, error)
      const { realm, error: said } = readChallenge(answer.headers.get('www-authenticate') ?? 'Bearer ')
      const isChallenged = error !== 'invalid_table_id'
      assert.equal(realm, isChallenged ? `${lab.issuer}/sticky_auth/api/v1/authorize` : undefined)
      assert.equal(said, error === 'bad_auth_header' ? 'invalid_request' : isChallenged ? error : undefined)
    }
    assert.deepEqual(await (await fetch(`${lab.service}/auth_info`)).json(), { login_url: `${lab.issuer}/sticky_auth` })
  })

  test('ngauth leads to the chunk in the bucket, and to no folder that is not granted', async () => {
    await does('/storage/v1/b/lab-data/o/fish%2Finfo')
    const dan = browser()
    const client = new Neuroglancer({ server: lab.ngauth, origin: lab.viewer })
    const read = async (token: string, name: string) => {
      const heard = await client.credential(token, 'lab-data')
      assert.ok(heard !== 'network error')
      if (heard.status !== 200) return heard.text
      const { token: credential } = JSON.parse(heard.text) as { token: string }
      const url = `${lab.cloud}/storage/v1/b/lab-data/o/${encodeURIComponent(name)}?alt=media`
      const answer = await fetch(url, { headers: { authorization: `Bearer ${credential}` } })
      return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : answer.status
    }
    /** Terms that are still missing are offered first. */
    const tokenAt = async (agent: UserAgent, page: Page) => {
      const last = messageOn(page.text) === undefined ? await agent.press(page, 'Go on without these data') : page
      const message = messageOn(last.text) ?? assert.fail(last.text)
      return (message.data as { token: string }).token
    }
    const known = async (agent: UserAgent = assert.fail('nobody')) => tokenAt(agent, await agent.open(client.popup))
    const dans = await signInByEmail(lab, dan, { at: client.popup, email: 'dan@lab.example' })
    const stranger = await tokenAt(dan, dans)
    assert.match(String(await read(stranger, 'fish/info')), /^Access denied: accept “Using the cortex” first/)
    const ben = await known(agents.ben)
    const name = '8_8_40/0-64_0-64_0-16'
    assert.deepEqual(await read(ben, `fish/${name}`), volume(1)[name])
    assert.equal(await read(ben, `cortex/${name}`), 403)
    const ada = await known(agents.ada)
    assert.deepEqual(await read(ada, `cortex/${name}`), volume(2)[name])
  })

  test('in Chromium the viewer signs in by its popup and draws the fish', { skip: needs('chromium') }, async () => {
    const chromium = await openIncognito()
    try {
      const context = await chromium.newContext()
      const page = await context.newPage()
      await page.goto(lab.viewer)
      const opened = context.waitForEvent('page')
      await page.getByRole('button', { name: 'fish' }).click()
      const popup = await opened
      await popup.getByLabel('E-mail address').fill('ada@lab.example')
      await popup.getByLabel('E-mail address').press('Enter')
      await popup.locator('input[name=code]').waitFor()
      const { code } = await lab.mail('ada@lab.example')
      await popup.locator('input[name=code]').fill(code)
      await popup.locator('input[name=code]').press('Enter')
      await page.getByText('fish: 65536 bytes').waitFor({ timeout: 15_000 })
      const drawn = await page.evaluate(
        `[...document.querySelector('canvas').getContext('2d').getImageData(0, 0, 64, 64).data].filter((_, at) => at % 4 === 0)`,
      )
      assert.deepEqual(drawn, [...(volume(1)['8_8_40/0-64_0-64_0-16'] ?? [])].slice(0, 64 * 64))
    } finally {
      await chromium.close()
    }
  })

  test('every shell line of the README was done', () => {
    assert.deepEqual(steps, [])
  })
})
