/** Workspaces that share an origin: one of their own, and, in a demo, the issuer's. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freePort } from '../support/labgate.ts'
import { ask, signedIn, ticketFor } from '../support/workspace-visit.ts'
import { workspaceWorld } from '../support/workspaces.ts'

test('on a shared origin each is below a path of its own, and nothing else is there', async () => {
  const port = await freePort()
  const world = await workspaceWorld({ workspaces: { origin: `http://work.localhost:${port}` } }, { port })
  try {
    const [carol, dave] = [await signedIn(world, 'carol@example.org'), await signedIn(world, 'dave@example.org')]
    const { id } = await world.ready(carol.account)
    const at = { port, host: `work.localhost:${port}` }
    const { nonce, link } = await ticketFor(world, carol, { ...at, path: `/w/${id}/tree?a=1` })
    const came = await ask({ ...at, path: link.pathname + link.search, headers: { cookie: nonce } })
    assert.equal(came.headers.location, `/w/${id}/tree?a=1`)
    const cookie = String(came.headers['set-cookie']?.[0]).split(';')[0] ?? ''
    const echo = await ask({ ...at, path: `/w/${id}/echo`, headers: { cookie } })
    assert.equal(JSON.parse(echo.body).url, `/w/${id}/echo`)
    for (const path of ['/', '/account', '/w/', '/w/w000000000000000/echo'])
      assert.equal((await ask({ ...at, path, headers: { cookie } })).status, 404, path)
    const other = await world.ready(dave.account)
    assert.equal((await ask({ ...at, path: `/w/${other.id}/echo`, headers: { cookie } })).status, 404)
  } finally {
    await world.stop()
  }
})

test('a demo may serve them at the issuer’s own origin, whose pages stay', async () => {
  const port = await freePort()
  const world = await workspaceWorld({ workspaces: { origin: `http://localhost:${port}` } }, { port })
  try {
    const carol = await signedIn(world, 'carol@example.org')
    const { id } = await world.ready(carol.account)
    const at = { port, host: `localhost:${port}` }
    const cookie = carol.agent.cookieHeader(new URL(world.site.issuer)) ?? ''
    const echo = await ask({ ...at, path: `/w/${id}/echo`, headers: { cookie } })
    assert.equal(echo.status, 200)
    assert.equal(JSON.parse(echo.body).headers.cookie, undefined)
    assert.equal((await ask({ ...at, path: '/account', headers: { cookie, accept: 'text/html' } })).status, 200)
    const first = await ask({ ...at, path: `/w/${id}/echo`, headers: { accept: 'text/html' } })
    const back = await fetch(String(first.headers.location), { redirect: 'manual', headers: { cookie } })
    assert.equal(new URL(back.headers.get('location') ?? '', world.site.issuer).pathname, `/w/${id}/echo`)
  } finally {
    await world.stop()
  }
})
