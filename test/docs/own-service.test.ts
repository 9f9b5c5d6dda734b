/** docs/own-service.md: its programs, run as they stand against a Labgate, and the errors that it explains. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { newBrowser, signInAs, startWorld, textOf, type World } from '../support/flow.ts'
import { freePort } from '../support/program.ts'
import { root } from '../support/sources.ts'

suite('docs/own-service.md', () => {
  let world: World
  let folder: string
  let port: number
  const children: ChildProcess[] = []
  const app = (path: string) => `http://127.0.0.1:${port}${path}`

  /** Lines are gathered for a moment. */
  const logged = async (line: RegExp) => {
    const log = () => readFile(join(world.site.folder, 'labgate.log'), 'utf8')
    for (let look = 0; look < 100 && !line.test(await log()); look++) await sleep(10)
    assert.match(await log(), line)
  }
  before(async () => {
    port = await freePort()
    const clients = {
      app: {
        secret: 'a secret for the test',
        redirectUris: [app('/callback')],
        postLogoutRedirectUris: [app('/')],
        scopes: ['openid', 'profile', 'email', 'groups'],
      },
      tv: { public: true, grantTypes: ['urn:ietf:params:oauth:grant-type:device_code'] },
    }
    world = await startWorld({ part: () => ({ clients }) })
    folder = await mkdtemp(join(tmpdir(), 'labgate-own-service-'))
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    const page = await readFile(join(root, 'docs/own-service.md'), 'utf8')
    for (const [, file = '', text = ''] of page.matchAll(/^```js title="([^"]+)"\n(.*?)^```$/gms))
      await writeFile(join(folder, file), text)
  })
  after(async () => {
    for (const child of children) child.kill()
    await world.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Starts a program of the page; what it says so far. */
  const start = (file: string, secret = 'a secret for the test') => {
    const env = { ...process.env, ISSUER: world.site.issuer, CLIENT_SECRET: secret, PORT: String(port) }
    const child = spawn(process.execPath, [file], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    children.push(child)
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text
      })
    return { child, said: () => said }
  }
  const until = async <T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> => {
    for (const end = Date.now() + 10_000; Date.now() < end; await new Promise((done) => setTimeout(done, 20))) {
      const found = await look()
      if (found !== undefined) return found
    }
    return assert.fail('it did not come to that')
  }
  const listening = () =>
    until(() =>
      fetch(app('/nothing')).then(
        () => true,
        () => undefined,
      ),
    )
  const stop = async (child: ChildProcess) => {
    child.kill()
    await once(child, 'exit')
  }

  test('app.mjs signs people in, refreshes, introspects and signs out; a code is good once', async () => {
    const { child } = start('app.mjs')
    await listening()
    const agent = newBrowser()
    const asked = await signInAs(agent, 'alice', await agent.open(app('/')))
    const back = await agent.press(asked, /^Allow/)
    const user = JSON.parse(back.text) as Record<string, unknown>
    assert.deepEqual([typeof user.sub, user.preferred_username], ['string', 'alice'])
    const fresh = JSON.parse((await agent.open(app('/refresh'))).text) as Record<string, unknown>
    assert.deepEqual([fresh.active, fresh.sub, fresh.client_id], [true, user.sub, 'app'])
    const again = JSON.parse((await agent.open(back.url)).text) as { cause: { error: string } }
    assert.equal(again.cause.error, 'invalid_grant')
    await logged(/"fault":"invalid_grant".*"because":"authorization code already consumed"/)
    assert.match(textOf(await agent.open(app('/logout'))), /Sign out\?/)
    assert.equal((await fetch(app('//'))).status, 500, 'an address that is none ends nothing')
    await stop(child)
  })

  test('a wrong secret is what the table says it is, and the log says why', async () => {
    const { child } = start('app.mjs', 'another secret')
    await listening()
    const agent = newBrowser()
    const asked = await signInAs(agent, 'bob', await agent.open(app('/')))
    const back = await agent.press(asked, /^Allow/)
    assert.match(back.text, /OAUTH_WWW_AUTHENTICATE_CHALLENGE/)
    await logged(/"fault":"invalid_client".*"because":"invalid secret provided"/)
    await stop(child)
  })

  test('device.mjs shows a code, and knows the person who typed it', async () => {
    const { child, said } = start('device.mjs')
    const [, address = '', code = ''] = await until(() => /Open (\S+) and type (\S+)/.exec(said()) ?? undefined)
    const agent = newBrowser()
    const typing = await signInAs(agent, 'alice', await agent.open(address))
    const form = typing.forms.find(({ fields }) => 'user_code' in fields)
    const asked = await agent.submit(typing, form, { user_code: code })
    const consent = await agent.press(asked, 'Yes')
    await agent.press(consent, 'Allow')
    await until(() => child.exitCode ?? undefined)
    assert.match(said(), /preferred_username: 'alice'/)
  })
})
