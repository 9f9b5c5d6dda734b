import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Step } from '@labgate/contract'
import type { GitHubOrganization } from '../../support/github-state.ts'
import { factOf, members, withGitHub } from './world.ts'

/** The words of a refusal by the organisation rule. */
function words(step: Step): string {
  assert.ok('no' in step, `somebody came in: ${JSON.stringify(step)}`)
  assert.equal(step.no.reason, 'not-allowed')
  return step.no.message
}

const asked = (requests: readonly string[], part: string) => requests.filter((request) => request.includes(part)).length

describe('organisations', () => {
  test('a private member comes in, by the id of the organisation', () =>
    withGitHub(async ({ instance }) => {
      const { begin, assertion } = instance(members(9919))
      assert.equal((await begin()).to.searchParams.get('scope'), 'user:email read:org')
      const { facts } = await assertion('ada')
      assert.deepEqual(factOf(facts, 'organisations'), ['example-lab'])
      assert.deepEqual(factOf(facts, 'organisation_ids'), [9919])
    }))

  test('a renamed organisation keeps its members, and the one who took its name gets nobody in', () => {
    const squatter: GitHubOrganization = { id: 100_001, login: 'example-lab' }
    return withGitHub(async ({ instance, lab, bob, github }) => {
      const { assertion, signIn, logs } = instance(members('example-lab'))
      await assertion('ada')
      assert.equal(asked(github.requests, '/orgs/example-lab '.trim()), 1)
      const warned = logs.filter(({ level }) => level === 'warn')
      assert.match(warned[0]?.message ?? '', /write the id 9919/)
      lab.login = 'renamed-lab'
      github.organizations.push(squatter)
      bob.seats = [{ organization: squatter, public: true }]
      assert.deepEqual(factOf((await assertion('ada')).facts, 'organisations'), ['renamed-lab'])
      assert.match(words(await signIn('bob')), /not a member of renamed-lab/)
      assert.equal(logs.filter(({ level }) => level === 'warn').length, 1, 'resolved and warned about once')
    })
  })

  test('datalab 1.7.9: a name is taken as well as an id, and no id is put where the API wants a name', () =>
    withGitHub(async ({ instance, github }) => {
      await instance(members('example-lab')).assertion('ada')
      await instance(members('9919')).assertion('ada')
      words(await instance(members(9919)).signIn('bob'))
      assert.ok(asked(github.requests, '/orgs/example-lab/members/bob') === 1)
      assert.equal(asked(github.requests, '/orgs/9919'), 0)
    }))

  test('an organisation whose name is all digits is not the one with that id', () => {
    const digits: GitHubOrganization = { id: 55, login: '9919' }
    return withGitHub(async ({ instance, bob, github }) => {
      github.organizations.push(digits)
      bob.seats = [{ organization: digits, public: true }]
      words(await instance(members(9919)).signIn('bob'))
      const { facts } = await instance({ organizationFacts: 'all' }).assertion('bob')
      assert.deepEqual(factOf(facts, 'organisations'), ['9919'])
      assert.deepEqual(factOf(facts, 'organisation_ids'), [55])
    })
  })

  test('a membership on the third page counts', () =>
    withGitHub(async ({ instance, lab, ada, github }) => {
      const many = Array.from({ length: 250 }, (_, n) => ({ organization: { id: 20_000 + n, login: `org-${n}` } }))
      ada.seats = [...many, { organization: lab }]
      const { facts } = await instance(members(9919)).assertion('ada')
      assert.deepEqual(factOf(facts, 'organisation_ids'), [9919], 'others are nobody’s business')
      assert.equal(asked(github.requests, '/user/memberships/orgs'), 3)
      const all = await instance({ ...members(9919), organizationFacts: 'all' }).assertion('ada')
      assert.equal((factOf(all.facts, 'organisation_ids') as number[]).length, 251)
    }))

  test('who is not a member reads whose members come in, and which account they have', () =>
    withGitHub(async ({ instance }) => {
      const text = words(await instance(members(9919, 12)).signIn('bob'))
      assert.match(text, /You are bob at GitHub/)
      assert.match(text, /not a member of example-lab, #12/)
    }))

  test('an invitation that was not accepted is no membership, and is named', () =>
    withGitHub(async ({ instance, ada, lab, github }) => {
      ada.seats = [{ organization: lab, state: 'pending' }]
      const text = words(await instance(members(9919)).signIn('ada'))
      assert.match(text, /has invited ada/)
      assert.ok(text.includes(`${github.url}/orgs/example-lab/invitation`))
    }))

  test('a name that nobody has lets nobody in', () =>
    withGitHub(async ({ instance }) => {
      const { signIn, logs } = instance(members('not-there'))
      assert.match(words(await signIn('ada')), /not a member of not-there/)
      assert.ok(logs.some(({ message }) => /no organisation of this name/.test(message)))
    }))
})

describe('where the list of memberships is not enough', () => {
  test('app restrictions hide a private membership, and the page says what to do', () =>
    withGitHub(async ({ instance, lab }) => {
      lab.restricted = true
      const text = words(await instance(members(9919)).signIn('ada'))
      assert.match(text, /example-lab at GitHub does not let this site see its members/)
      assert.match(text, /approve this site/)
    }))

  test('a public membership in a restricted organisation counts', () =>
    withGitHub(async ({ instance, lab, ada }) => {
      lab.restricted = true
      ada.seats = [{ organization: lab, public: true }]
      const { facts } = await instance(members(9919)).assertion('ada')
      assert.deepEqual(factOf(facts, 'organisation_ids'), [9919])
    }))

  test('an organisation behind SAML is named with the page to sign on at', () =>
    withGitHub(async ({ instance, lab, github }) => {
      lab.saml = true
      const text = words(await instance(members(9919)).signIn('ada'))
      assert.match(text, /single sign-on/)
      assert.ok(text.includes(`${github.url}/orgs/example-lab/sso`))
    }))

  test('with too few scopes a public membership is found (302, then 204), a private one is asked for', () =>
    withGitHub(
      async ({ instance, ada, lab, github }) => {
        const { signIn, assertion } = instance(members(9919))
        assert.match(words(await signIn('ada')), /did not let us see which organisations/)
        ada.seats = [{ organization: lab, public: true }]
        github.faults.said.memberships = (answer) => {
          const isListOfPerson = Array.isArray(answer.json) && github.requests.at(-1)?.includes('/users/ada/orgs')
          return isListOfPerson ? { ...answer, json: [] } : answer
        }
        const { facts } = await assertion('ada')
        assert.deepEqual(factOf(facts, 'organisation_ids'), [9919])
        assert.equal(asked(github.requests, '/orgs/example-lab/public_members/ada'), 2)
      },
      { grant: 'user:email' },
    ))

  test('with too few scopes the public list is enough', () =>
    withGitHub(
      async ({ instance, github }) => {
        await instance(members(77)).assertion('bob')
        assert.equal(asked(github.requests, '/public_members/'), 0)
      },
      { grant: 'user:email' },
    ))

  test('a 404 of every list ends in a refusal, not in a sign-in', () =>
    withGitHub(async ({ instance, github }) => {
      github.faults.said.memberships = () => ({ status: 404, json: { message: 'Not Found' } })
      words(await instance(members(9919)).signIn('ada'))
    }))
})

describe('teams', () => {
  const imaging = (organization: GitHubOrganization) => ({ id: 31, slug: 'imaging', organization })

  test('a team lets its members in, by id or by organisation and name, and nobody else', () =>
    withGitHub(async ({ instance, lab, other, ada, bob }) => {
      ada.teams = [imaging(lab)]
      bob.teams = [{ id: 32, slug: 'imaging', organization: other }]
      for (const team of ['9919/imaging', 'example-lab/Imaging', 31, '31']) {
        const { assertion, signIn } = instance({ allow: { mode: 'organizations', teams: [team] } })
        await assertion('ada')
        assert.match(words(await signIn('bob')), /not a member of (#31|#9919\/imaging|example-lab\/Imaging)/)
      }
    }))

  test('teams of the named organisations become groups; a person without any has none', () =>
    withGitHub(async ({ instance, lab, other, ada }) => {
      ada.seats = [{ organization: lab }, { organization: other }]
      ada.teams = [imaging(lab), { id: 33, slug: 'staff', organization: other }]
      const groups = { teamGroups: { organizations: [9919] } }
      assert.deepEqual(factOf((await instance(groups).assertion('ada')).facts, 'groups'), ['example-lab/imaging'])
      const short = { ...members(9919), teamGroups: { names: 'team' } }
      assert.deepEqual(factOf((await instance(short).assertion('ada')).facts, 'groups'), ['imaging'])
      assert.deepEqual(factOf((await instance(groups).assertion('bob')).facts, 'groups'), [])
    }))

  test('a thousand teams are read to the end', () =>
    withGitHub(async ({ instance, lab, ada }) => {
      ada.teams = Array.from({ length: 1000 }, (_, n) => ({ id: 100 + n, slug: `t${n}`, organization: lab }))
      const { facts } = await instance({ teamGroups: { organizations: [9919] } }).assertion('ada')
      assert.equal((factOf(facts, 'groups') as string[]).length, 1000)
    }))
})
