/** The way of a device's code through the pages, and of an answer that a page posts by itself. @module */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestDemo } from '../support/demo.ts'
import type { Visitor } from '../support/visitor.ts'

const asks = 'Connect a device'
const maria = 'maria@example.org'

/** Clients for the walk: a device, and one whose answers are posted to a server of its own. */
export async function offersDevices(file: { clients: Record<string, Record<string, unknown>> }): Promise<void> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const said = new URLSearchParams(body).has('code') ? 'A code came' : 'Nothing came'
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<title>${said}</title><h1>${said}</h1>`)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  server.unref()
  const { port } = server.address() as AddressInfo
  const grantTypes = ['urn:ietf:params:oauth:grant-type:device_code']
  file.clients.microscope = { name: 'Microscope 3', public: true, firstParty: true, grantTypes }
  const redirectUris = [`http://127.0.0.1:${port}/posted`]
  file.clients.posting = { name: 'Old wiki', public: true, firstParty: true, pkce: true, redirectUris }
}

/** Steps of the walk. */
export async function walkDevice(visitor: Visitor, demo: TestDemo): Promise<void> {
  const { page } = visitor
  const first = await codeOf(demo)
  await page.goto(first.verification_uri)
  await visitor.expect('Sign in')
  await visitor.signInByEmail(maria, { folder: demo.folder, heading: asks })
  await visitor.look('device')
  await page.getByLabel('Code').fill('BBBB-BBBB')
  await visitor.press('Go on', asks)
  assert.match(await page.getByRole('main').innerText(), /no such code/)
  await visitor.look('device-trouble')
  await page.getByLabel('Code').fill(first.user_code)
  await visitor.press('Go on', 'Connect this device?')
  await visitor.look('device-confirm')
  await visitor.press('No', 'Nothing was connected')
  await visitor.look('device-declined')
  const second = await codeOf(demo)
  await page.goto(second.verification_uri_complete)
  await visitor.expect(asks)
  assert.equal(await page.getByLabel('Code').inputValue(), second.user_code)
  await visitor.press('Go on', 'Connect this device?')
  assert.ok((await page.getByRole('main').innerText()).includes(second.user_code))
  await visitor.press('Yes, connect it', 'The device is connected')
  await visitor.look('device-done')
  await walkPosted(visitor, demo)
}

async function codeOf({
  issuer,
}: TestDemo): Promise<Record<'verification_uri' | 'verification_uri_complete' | 'user_code', string>> {
  const body = new URLSearchParams({ client_id: 'microscope', scope: 'openid' })
  const answer = await fetch(`${issuer}/oidc/device/auth`, { method: 'POST', body })
  return answer.json() as ReturnType<typeof codeOf>
}

/** An answer by `form_post`: the page posts itself, or has a button where there are no scripts. */
async function walkPosted({ page, ...visitor }: Visitor, demo: TestDemo): Promise<void> {
  const clients = demo.labgate.rooms.get('config').clients
  const url = new URL('/oidc/auth', demo.issuer)
  url.search = new URLSearchParams({
    client_id: 'posting',
    response_type: 'code',
    response_mode: 'form_post',
    scope: 'openid',
    redirect_uri: clients.posting?.redirectUris[0] ?? '',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  }).toString()
  await page.goto(url.href)
  const button = page.getByRole('button', { name: 'Continue' })
  const came = page.getByRole('heading', { name: 'A code came' })
  await button.or(came).first().waitFor()
  if (await button.isVisible().catch(() => false)) await button.click()
  await came.waitFor()
  assert.deepEqual(visitor.complaints, [])
}
