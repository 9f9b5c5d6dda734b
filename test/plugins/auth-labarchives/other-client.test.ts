/**
 * The stand-in, driven by a client that somebody else wrote: `labapi` of NIMH, in Python. Without it the suite is skipped;
 * `pip install labapi` brings it, LABAPI_PYTHON names another Python that has it.
 * @module
 */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { labKey, startLabArchives } from '../../support/labarchives.ts'

const python = process.env.LABAPI_PYTHON ?? 'python3'
const isThere = spawnSync(python, ['-c', 'import labapi']).status === 0
const skip = isThere ? false : 'labapi is not installed (pip install labapi): a client that somebody else wrote'

const script = `
import json, sys
from urllib.request import urlopen
from labapi import Client
origin, akid, password, code = sys.argv[1:]
client = Client(origin, akid, password)
url = client.generate_auth_url('https://gate.example/sign-in/lab/a/secret-path?a=1&b=ä')
page = urlopen(url).status
user = client.login('ada@example.org', code)
try:
    client.login('grace@example.org', code)
    refused = None
except Exception as error:
    refused = str(error)
print(json.dumps({'page': page, 'id': user.id, 'notebooks': sorted(user.notebooks), 'refused': refused}))
`

test('labapi signs in at the stand-in, in its own dialect', { skip }, async () => {
  const lab = await startLabArchives()
  // labapi takes the first <id> it meets for the person's, so it needs the usual order.
  lab.faults.usualOrder = true
  try {
    const given = [lab.origin, labKey.accessKeyId, labKey.accessPassword, lab.code('ada')]
    const { stdout } = await promisify(execFile)(python, ['-c', script, ...given])
    const said = JSON.parse(stdout)
    assert.equal(said.page, 200)
    assert.equal(said.id, "285489257Ho's9^Lt4116011183268315271")
    assert.deepEqual(said.notebooks, ['Bernoulli', 'Engine "A" & notes'])
    assert.match(said.refused, /4514/)
    assert.deepEqual(
      lab.spoken.map(({ method, algorithm, expires }) => `${method} ${algorithm} ${expires}`),
      ['api_user_login sha512 future', 'user_access_info sha512 future', 'user_access_info sha512 future'],
    )
  } finally {
    await lab.close()
  }
})
