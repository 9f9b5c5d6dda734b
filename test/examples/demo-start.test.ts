import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { startTestDemo } from '../support/demo.ts'
import { textOf } from '../support/flow.ts'
import { browser, signInByEmail } from '../support/labgate.ts'

/** Holds the port of an address. */
async function hold(address: string): Promise<() => Promise<void>> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(Number(new URL(address).port), '127.0.0.1', done))
  return () => new Promise((done) => server.close(() => done()))
}

type File = Parameters<NonNullable<Parameters<typeof startTestDemo>[0]>>[0]

const places: Readonly<Record<string, (file: File) => string>> = {
  university: (file) => String(file.plugins.university?.config?.issuer),
  application: (file) => String([file.clients['demo-rp']?.redirectUris].flat()[0]),
  Labgate: (file) => String(file.issuer),
}

for (const [who, placeOf] of Object.entries(places))
  test(`the demo names the port of the ${who} when it is taken, and leaves nothing running`, async () => {
    const file: { value?: File } = {}
    let release: Promise<() => Promise<void>> | undefined
    const failed = await startTestDemo((one) => {
      file.value = one
      release = hold(placeOf(one))
    }).catch((error: Error) => error)
    assert.ok(failed instanceof Error, 'the demo did not start')
    const port = file.value && new URL(placeOf(file.value)).port
    assert.match(failed.message, new RegExp(`127\\.0\\.0\\.1:${port}: another process listens there`))
    await (await release)?.()
    for (const other of Object.values(places)) await (await hold(other(file.value as File)))()
  })

test('the demo says where everything is, and the code for the first admin', async () => {
  const demo = await startTestDemo()
  try {
    assert.match(demo.firstAdminCode ?? '', /^\w{16}$/)
    for (const origin of [demo.application, demo.university, demo.issuer]) {
      const answer = await fetch(origin, { headers: { accept: 'text/html' } })
      assert.equal(answer.status, 200, origin)
    }
  } finally {
    await demo.stop()
  }
})

test('the demo’s ledger shows terms, a dataset to ask for, what a group gives, and the console', async () => {
  const demo = await startTestDemo()
  try {
    const at = (path: string) => `${demo.issuer}${path}`
    const me = browser()
    await signInByEmail(demo, me, { at: at('/account/access'), email: 'me@example.org' })
    const before = textOf(await me.open(at('/account/access')))
    assert.match(before, /Larval fish Not yet: something is missing\. .*Using the larval fish Read and accept them/)
    assert.match(before, /Find a dataset .*Cortex/)
    const terms = await me.open(at('/account/access/larval-fish'))
    const link =
      /href="([^"]*\/terms\/[^"]*)"/.exec(terms.text)?.[1]?.replaceAll('&amp;', '&') ?? assert.fail(terms.text)
    await me.press(await me.open(new URL(link, demo.issuer)), /accept/i)
    assert.match(textOf(await me.open(at('/account/access'))), /Larval fish You may see it\./)

    const ada = browser()
    const chooser = await ada.open(at('/account/access'))
    const people = await ada.press(chooser, 'Demo University')
    const signedIn = await ada.press(people, 'Ada')
    assert.match(textOf(signedIn), /Cortex You may see it\./, 'the university says that Ada is of imaging')

    const account = await me.open(at('/account/first-admin'))
    const form = account.forms.find(({ action }) => action.endsWith('/first-admin'))
    await me.submit(account, form, { code: demo.firstAdminCode ?? '' })
    const datasets = textOf(await me.open(at('/console/datasets')))
    assert.match(datasets, /Cortex.*Larval fish/s)
  } finally {
    await demo.stop()
  }
})
