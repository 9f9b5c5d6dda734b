import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { covers, type GrantView, type Held, heldOn, levels, type Snapshot } from '@labgate/contract'
import { claimsOfScope } from '../../core/oidc/claims.ts'
import { personOf } from '../../core/site.ts'
import { type GoldenLab, goldenPeople, goldenServices, startGoldenLab } from '../support/golden-lab.ts'

const root = join(import.meta.dirname, '..', '..')
const golden = join(root, 'test', 'golden')
const everybody = [...goldenPeople, ...goldenServices]

function file(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(golden, `${name}.json`), 'utf8'))
}

function heldShort({ level, permissions }: Held) {
  return { ...(level === undefined ? {} : { level }), ...(permissions.length === 0 ? {} : { permissions }) }
}

/** As the file has it: what is empty or the same is left out. */
function grantShort(grant: GrantView) {
  const { dataset, version, missingTerms } = grant
  const differs = missingTerms.length > 0
  return {
    dataset,
    ...(version === undefined ? {} : { version }),
    ...heldShort(grant),
    ...(differs ? { beforeTerms: heldShort(grant.beforeTerms), missingTerms } : {}),
  }
}

function snapshotShort({ groups, managedGroups, grants, terms }: Snapshot) {
  return {
    groups,
    ...(managedGroups.length === 0 ? {} : { managedGroups }),
    grants: grants.map(grantShort),
    terms: terms.map((one) => ({
      terms: one.terms,
      requiredNumber: one.requiredNumber,
      accepted: one.acceptedAt !== undefined,
    })),
  }
}

describe('the golden lab', () => {
  let lab: GoldenLab
  before(async () => {
    lab = await startGoldenLab({
      datalab: {
        use: '@labgate/authz-datalab',
        prefix: '/datalab',
        config: { identifierPrefix: 'grey', appUrl: 'https://datalab.example' },
      },
      ngauth: {
        use: '@labgate/authz-ngauth',
        host: 'ngauth.example',
        config: { origins: ['https://viewer.example'], credentials: { metadata: true } },
      },
      gateway: {
        use: '@labgate/authz-gateway',
        host: 'maps.example',
        prefix: '/.labgate',
        // An id is another one in each lab.
        config: { headers: { user: '' }, rules: [{ path: '/**' }] },
      },
    })
  })
  after(() => lab?.site.stop())

  test('the ledger answers as typed by hand', async () => {
    const access = lab.site.labgate.rooms.get('access')
    const wanted = file('access')
    assert.deepEqual({ grants: (await access.anyone()).grants.map(grantShort) }, wanted.anyone)
    for (const one of everybody) assert.deepEqual(snapshotShort(await access.snapshot(lab.ids[one])), wanted[one], one)
    assert.deepEqual(Object.keys(wanted).toSorted(), ['anyone', ...everybody].toSorted())
  })

  test('a decision agrees with the snapshot, for everybody, everywhere', async () => {
    const access = lab.site.labgate.rooms.get('access')
    const places = [
      { dataset: 'fish2' },
      { dataset: 'fish2', version: 'v2' },
      { dataset: 'fanc' },
      { dataset: 'cortex' },
      { dataset: 'mouse' },
      { dataset: 'mouse', version: 'v1' },
      { dataset: 'mouse', version: 'v2' },
      { dataset: 'atlas' },
    ]
    for (const one of everybody)
      for (const place of places)
        for (const verb of [...levels, 'segment']) {
          const held = heldOn((await access.snapshot(lab.ids[one])).grants, place)
          const { allowed } = await access.decide({ account: lab.ids[one], ...place, verb })
          assert.equal(allowed, held !== undefined && covers(held, verb), `${one} ${verb} ${JSON.stringify(place)}`)
        }
  })

  test('OpenID claims are as typed by hand', async () => {
    const { rooms } = lab.site.labgate
    const wanted = file('oidc')
    for (const one of goldenPeople) {
      const person = await personOf(rooms, lab.ids[one])
      if (person === undefined) {
        assert.equal(wanted[one], undefined, `${one} may not act`)
        continue
      }
      const claims = ['profile', 'email', 'groups'].flatMap((scope) =>
        claimsOfScope(rooms.get('config').claims, scope, person),
      )
      assert.deepEqual(Object.fromEntries(claims.map(({ claim, value }) => [claim, value])), wanted[one], one)
    }
  })

  test('every dialect of the house has its file', () => {
    const dialects = readdirSync(join(root, 'plugins')).filter((name) => name.startsWith('authz-'))
    const files = readdirSync(golden).filter((name) => name.startsWith('authz-'))
    assert.deepEqual(files.toSorted(), dialects.map((name) => `${name}.json`).toSorted())
  })

  test('a dialect projects the lab as typed by hand', async () => {
    const { rooms, registry } = lab.site.labgate
    for (const { plugin, adapter } of registry.authz()) {
      const wanted = file(`authz-${plugin}`)
      for (const one of everybody) {
        const snapshot = await rooms.get('access').snapshot(lab.ids[one])
        const kind = snapshot.account.kind
        const principal = {
          kind,
          account: snapshot.account,
          via: 'token',
          scopes: ['*'],
          authenticatedAt: new Date(0),
          amr: [],
        } as const
        assert.deepEqual(adapter.project(principal, snapshot), wanted[one], `${plugin}: ${one}`)
      }
    }
  })
})
