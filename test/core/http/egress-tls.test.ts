import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { isFault } from '@labgate/contract'
import { createFetch } from '../../../core/http/egress.ts'
import { listen } from '../../../core/http/listen.ts'
import { makeCertificate } from '../../support/certificate.ts'
import { needs } from '../../support/needs.ts'
import { keptLog } from '../../support/outer-app.ts'
import { tempFolder } from '../../support/program.ts'

test('createFetch() trusts an authority of its own and refuses an unknown one', {
  skip: needs('openssl'),
}, async () => {
  const folder = await tempFolder()
  const { certFile, keyFile, ca } = await makeCertificate(folder.path)
  const tls = { cert: await readFile(certFile), key: await readFile(keyFile) }
  const server = await listen({
    handler: (_req, res) => void res.end('over tls'),
    place: { host: '127.0.0.1', port: 0 },
    tls,
  })
  const url = `https://localhost:${server.port}/`
  const common = { name: 'auth-test', allow: ['localhost'], log: keptLog().log }
  const trusting = createFetch({ ...common, ca })
  const doubting = createFetch(common)
  try {
    assert.equal(await (await trusting(url)).text(), 'over tls')
    await assert.rejects(doubting(url), (error) => isFault(error) && /DEPTH_ZERO_SELF_SIGNED_CERT/.test(error.message))
  } finally {
    await Promise.all([trusting.close(), doubting.close()])
    await server.close({ graceSeconds: 0 })
    await folder.remove()
  }
})
