/** Does what examples/datalab-lab/README.md says: its one command, its shell lines, and by hand what is between them. @module */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { openBrowser } from '../support/browser.ts'
import { startExample } from '../support/example.ts'
import { plainFetch } from '../support/guarded.ts'
import { newestMail, signInByEmail } from '../support/labgate.ts'
import { needs } from '../support/needs.ts'
import { freePort, tempFolder } from '../support/program.ts'
import { run } from '../support/project.ts'
import { root } from '../support/sources.ts'
import { type Page, UserAgent } from '../support/user-agent.ts'

const folder = join(root, 'examples/datalab-lab')
const readme = await readFile(join(folder, 'README.md'), 'utf8')
/** Shell lines and what they print, in their order; the first block is the command that starts it all. */
const [, ...steps] = [...readme.matchAll(/```sh\n([\s\S]*?)```(?:\n\n```text\n([\s\S]*?)```)?/g)].map(
  ([, script = '', prints = '']) => ({ script, prints }),
)

/** The lab on ports of its own: the README's ports stand for them. */
interface Running {
  readonly issuer: string
  readonly datalab: string
  readonly said: string
  /** With this lab's ports and files. */
  local(text: string): string
  mail(to: string): ReturnType<typeof newestMail>
  stop(): Promise<number | null>
}

/** The files of the example on ports of their own, in a folder that goes with them. */
async function files() {
  const temporary = await tempFolder()
  const ports = new Map<string, number>()
  for (const port of ['8095', '8096', '8097', '8098']) ports.set(port, await freePort())
  const file = join(temporary.path, 'labgate.yaml')
  const local = (text: string) =>
    text
      .replace(/\b809[5-8]\b/g, (port) => String(ports.get(port)))
      .replaceAll('data/datalab-lab', join(temporary.path, 'data'))
      .replaceAll('examples/datalab-lab/labgate.yaml', file)
  for (const name of ['labgate.yaml', 'nginx.conf'])
    await writeFile(join(temporary.path, name), local(await readFile(join(folder, name), 'utf8')))
  return { temporary, file, local, ports }
}

async function startLab(): Promise<Running> {
  const { temporary, file, local } = await files()
  const { said, code, stop } = await startExample(['datalab-lab', file])
  assert.equal(code, null, said)
  return {
    ...{ said, local },
    issuer: local('http://localhost:8095'),
    datalab: local('http://127.0.0.1:8095'),
    mail: (to) => newestMail(join(temporary.path, 'data/outbox'), to),
    async stop() {
      const ended = await stop()
      await temporary.remove()
      return ended
    },
  }
}

/** `…` stands for anything. */
function expression(prints: string): RegExp {
  const parts = prints.trim().split('…')
  return new RegExp(`^${parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('[\\s\\S]*')}$`)
}

interface Sample {
  readonly item_id: string
  readonly creators: readonly { readonly display_name: string }[]
}

describe('the example of a datalab behind Labgate', { skip: needs('nginx', 'curl') }, () => {
  let lab: Running
  const tokens: Record<string, string> = {}
  before(async () => {
    lab = await startLab()
  })
  after(async () => {
    if (lab) assert.equal(await lab.stop(), 0, 'everything ends with the command')
  })

  async function does(script: string): Promise<string> {
    const step = steps.find((one) => one.script.includes(script)) ?? assert.fail(`the README has no ${script}`)
    const variables = Object.entries(tokens).map(([name, value]) => `${name}=${value}\n`)
    const { output, code } = await run(variables.join('') + lab.local(step.script), root)
    assert.match(output.trim(), expression(lab.local(step.prints)))
    assert.equal(code, 0)
    steps.splice(steps.indexOf(step), 1)
    return output
  }

  /** Signs in through nginx and enters the key; ends where the way began. */
  async function comes(name: 'ada' | 'ben'): Promise<{ agent: UserAgent; page: Page }> {
    const agent = new UserAgent({ fetch: plainFetch(), headers: { 'sec-fetch-mode': 'navigate' } })
    const ask = await signInByEmail(lab, agent, { at: `${lab.datalab}/`, email: `${name}@lab.example` })
    assert.equal(ask.url.pathname, '/.labgate/key', ask.text)
    const form = ask.forms.find(({ fields }) => 'key' in fields)
    return { agent, page: await agent.submit(ask, form, { key: `the-key-of-${name}` }) }
  }

  async function samplesOf(agent: UserAgent): Promise<readonly Sample[]> {
    const { text } = await agent.open(`${lab.datalab}/samples/`)
    return (JSON.parse(text) as { samples: readonly Sample[] }).samples
  }

  test('says where everything is', () => {
    const places = [
      `${lab.datalab}/`,
      `${lab.issuer}/account`,
      `${lab.issuer}/datalab/info`,
      lab.local('127.0.0.1:8097'),
    ]
    for (const place of places) assert.ok(lab.said.includes(place), `${place} in ${lab.said}`)
  })

  test('two people sign in through nginx, enter their keys, and each item is listed under the right person', async () => {
    await does('curl -s http://127.0.0.1:8095/samples/')
    const all: Record<'ada' | 'ben', readonly string[]> = { ada: ['perovskite-7', 'cathode-2'], ben: ['zeolite-1'] }
    for (const [name, ids] of Object.entries(all) as ['ada' | 'ben', readonly string[]][]) {
      const { agent, page } = await comes(name)
      const person = `${name === 'ada' ? 'Ada' : 'Ben'} of the datalab`
      assert.equal(page.url.href, `${lab.datalab}/`)
      assert.match(page.text, new RegExp(`<h1>Samples of ${person}</h1>`))
      const samples = await samplesOf(agent)
      assert.deepEqual(
        samples.map(({ item_id }) => item_id),
        ids,
      )
      for (const { creators } of samples)
        assert.deepEqual(
          creators.map(({ display_name }) => display_name),
          [person],
        )
    }
  })

  test('a program with a token of Ada lists her items, and what it adds is hers', async () => {
    tokens.ADA = /lgp_\w{38}/.exec(await does('token add ada'))?.[0] ?? assert.fail()
    await does('Bearer $ADA" http://127.0.0.1:8095/samples/\n')
    await does('/new-sample/')
  })

  test('Ben sees his own, whatever he sends, and nothing without his key', async () => {
    tokens.BEN = /lgp_\w{38}/.exec(await does('token add ben'))?.[0] ?? assert.fail()
    await does('Bearer $BEN" http://127.0.0.1:8095/samples/ | grep')
    await does('/items/grey:KHQLYP')
    await does('{"key":null}')
  })

  test('the façade says who Ada is', async () => {
    await does('/datalab/get-current-user/')
  })

  test('past nginx the datalab knows keys alone: what Labgate says of somebody opens nothing there', async () => {
    const answer = await fetch(lab.local('http://127.0.0.1:8097/samples/'), {
      headers: { 'x-labgate-user': 'ada', authorization: `Bearer ${tokens.ADA}` },
    })
    assert.equal(answer.status, 401)
    assert.equal((await fetch(`${lab.datalab}/info`)).status, 200, 'what the rules open to everybody')
    assert.equal((await fetch(`${lab.datalab}/info`, { method: 'POST' })).status, 401)
  })

  test('in Chromium the key is asked for once', { skip: needs('chromium') }, async () => {
    const chromium = await openBrowser()
    try {
      const page = await (await chromium.newContext()).newPage()
      await page.goto(`${lab.datalab}/`)
      await page.getByLabel('E-mail address').fill('ben@lab.example')
      await page.getByLabel('E-mail address').press('Enter')
      await page.locator('input[name=code]').waitFor()
      const { code } = await lab.mail('ben@lab.example')
      await page.locator('input[name=code]').fill(code)
      await page.locator('input[name=code]').press('Enter')
      await page.getByLabel('Key').fill('the-key-of-ben')
      await page.getByRole('button', { name: 'Keep this key' }).click()
      await page.getByRole('heading', { name: 'Samples of Ben of the datalab' }).waitFor()
      assert.deepEqual(await page.getByRole('listitem').allTextContents(), ['grey:QXVNJE Zeolite'])
      await page.goto(`${lab.datalab}/`)
      await page.getByRole('heading', { name: 'Samples of Ben of the datalab' }).waitFor()
    } finally {
      await chromium.close()
    }
  })

  test('every shell line of the README was done', () => {
    assert.deepEqual(steps, [])
  })
})

test('its nginx.conf has the server of docs/gateway.md, but for ports, names and TLS', async () => {
  const page = await readFile(join(root, 'docs/gateway.md'), 'utf8')
  const block = /```nginx\n([\s\S]*?)```/.exec(page)?.[1] ?? assert.fail('no block for nginx')
  const changes = [
    ['listen 443 ssl;', 'listen 127.0.0.1:8095;'],
    ['server_name maps.lab.example;', 'server_name 127.0.0.1;'],
    ['Host maps.lab.example;', 'Host 127.0.0.1:8095;'],
    ['  ssl_certificate /etc/ssl/maps.pem;\n', ''],
    ['  ssl_certificate_key /etc/ssl/maps.key;\n', ''],
    ['127.0.0.1:8080', '127.0.0.1:8096'],
    ['127.0.0.1:5001', '127.0.0.1:8097'],
    ['a long random text', 'of the example alone'],
  ] as const
  const wanted = changes.reduce((text, [from, to]) => {
    assert.ok(text.includes(from), from)
    return text.replaceAll(from, to)
  }, block)
  const here = (await readFile(join(folder, 'nginx.conf'), 'utf8')).replaceAll(/^ {2}/gm, '')
  assert.ok(here.includes(wanted.trim()), 'copy the block anew')
})

test('without nginx, or with its port taken, it says so and leaves nothing running', {
  skip: needs('nginx'),
}, async (t) => {
  const { temporary, file, ports, local } = await files()
  t.after(temporary.remove)
  const other = (await import('node:http')).createServer()
  await new Promise<void>((done) => other.listen(ports.get('8095'), '127.0.0.1', done))
  const taken = await startExample(['datalab-lab', file])
  assert.deepEqual(
    [taken.code, taken.said.includes(local('nginx cannot listen at 127.0.0.1:8095'))],
    [1, true],
    taken.said,
  )
  await new Promise((done) => other.close(done))
  const { nginx } = await import('../../examples/datalab-lab/nginx.ts')
  assert.equal(nginx([temporary.path]), undefined)
})
