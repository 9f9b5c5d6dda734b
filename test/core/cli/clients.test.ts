import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { labgate, writeConfig } from '../../support/command-line.ts'

const callback = 'https://app.example.org/callback'

describe('labgate client, without a server', () => {
  let cwd = ''
  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'labgate-clients-'))
    await writeConfig(cwd, {
      issuer: 'http://localhost:8080',
      demo: true,
      data: cwd,
      mail: { from: { address: 'lab@example.org' }, outbox: `${cwd}/outbox` },
      plugins: { email: { use: '@labgate/auth-email' } },
      clientRegistration: { enabled: true },
    })
    await labgate(['migrate', '--config', 'labgate.yaml'], { cwd })
  })
  after(() => rm(cwd, { recursive: true, force: true }))

  const run = (...argv: string[]) => labgate(['client', ...argv, '--config', 'labgate.yaml'], { cwd })
  const json = async (...argv: string[]) => {
    const { out, err, code } = await run(...argv, '--json')
    assert.equal(code, 0, err)
    return JSON.parse(out)
  }

  test('add takes what the config file takes: profile, keys, pushed and signed requests, DPoP, pairwise', async () => {
    const keys = ['--jwks-uri', 'https://app.example.org/jwks']
    const bank = await json('add', 'bank', '--redirect-uri', callback, '--profile', 'fapi2', ...keys)
    assert.deepEqual([bank.profile, bank.jwksUri, bank.secret], ['fapi2', keys[1], undefined])
    const more = ['--par', '--signed-requests', '--dpop', '--pairwise']
    const strict = await json('add', 'strict', '--redirect-uri', callback, ...keys, ...more)
    assert.deepEqual(
      [strict.par, strict.signedRequests, strict.dpop, strict.subjectType],
      [true, true, true, 'pairwise'],
    )
    assert.ok(strict.secret.length > 30)
    const resource = 'https://data.example.org'
    const service = ['--grant-type', 'client_credentials', '--first-party', '--exchange-to', resource]
    assert.deepEqual((await json('add', 'service', ...service)).tokenExchange, { to: [resource], as: [] })
  })

  test('add refuses what does not go together, and says which', async () => {
    for (const [argv, why] of [
      [['--profile', 'fapi2'], /jwks/],
      [['--auth-method', 'private_key_jwt'], /jwks/],
      [['--signed-requests'], /jwks/],
      [['--pairwise', '--redirect-uri', 'https://other.example.org/'], /sectorIdentifierUri/],
      [['--exchange-to', 'https://data.example.org'], /first-party/],
      [['--profile', 'bank'], /profile/],
    ] as const) {
      const { code, err } = await run('add', 'odd', '--redirect-uri', callback, ...argv)
      assert.equal(code, 1, argv.join(' '))
      assert.match(err, why)
    }
    assert.match((await run('secret', 'bank')).err, /no secret/)
  })

  test('invite prints a token once, which the list does not; uninvite ends it', async () => {
    const made = await json('invite', '--redirect-host', 'app.example.org', '--scope', 'openid', '--note', 'a thesis')
    assert.deepEqual([made.redirectHosts, made.scopes, made.uses], [['app.example.org'], ['openid'], 1])
    const [listed] = await json('invitations')
    assert.deepEqual([listed.id, listed.note, listed.used], [made.id, 'a thesis', 0])
    assert.ok(!JSON.stringify(listed).includes(made.token))
    assert.match((await run('invitations')).out, /a thesis/)
    assert.equal((await json('uninvite', made.id)).ended, true)
    assert.equal((await run('uninvite', made.id)).code, 1)
    assert.match((await run('invite')).err, /host/)
    assert.match((await run('invite', '--redirect-host', '*.example.org')).err, /not the name of a host/)
  })
})
