import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Fault, Finding } from '@labgate/contract'
import { githubApp } from '../../support/github.ts'
import { factOf, linkOf, members, withGitHub } from './world.ts'

describe('refresh', () => {
  test('looks at membership and teams again', () =>
    withGitHub(async ({ instance, lab, ada }) => {
      ada.teams = [{ id: 31, slug: 'imaging', organization: lab }]
      const { assertion, method, advance } = instance({ ...members(9919), teamGroups: {} })
      const first = await assertion('ada')
      ada.teams = []
      advance(1000)
      const second = await method.refresh!(linkOf(first))
      assert.ok(second !== 'gone')
      assert.deepEqual(factOf(second.facts, 'groups'), [])
      assert.equal(second.at.getTime(), first.at.getTime(), 'looking again is no proof of presence')
      assert.deepEqual(second.keep, first.keep)
    }))

  test('says gone when the membership was revoked, and when the person took the token back', () =>
    withGitHub(async ({ instance, ada, lab, github }) => {
      const { assertion, method } = instance(members(9919))
      const link = linkOf(await assertion('ada'))
      ada.seats = []
      assert.equal(await method.refresh!(link), 'gone')
      ada.seats = [{ organization: lab }]
      assert.ok((await method.refresh!(link)) !== 'gone')
      github.forgetTokens()
      assert.equal(await method.refresh!(link), 'gone')
    }))

  test('a GitHub that is down, slow or out of requests takes nothing away', () =>
    withGitHub(async ({ instance, github }) => {
      const { assertion, method } = instance(members(9919))
      const link = linkOf(await assertion('ada'))
      const isDown = (error: Fault) => error.code === 'ERR_UPSTREAM'
      for (const failure of ['hang', '500', 'html', 'drop'] as const) {
        github.faults.fail = { memberships: failure }
        await assert.rejects(method.refresh!(link), isDown, failure)
      }
      github.faults.fail = {}
      github.faults.said.user = () => ({ status: 429, json: { message: 'slow down' } })
      await assert.rejects(method.refresh!(link), isDown)
    }))

  test('refuses a token that speaks for somebody else', () =>
    withGitHub(async ({ instance }) => {
      const { assertion, method } = instance({ organizationFacts: 'all' })
      const [ada, bob] = [linkOf(await assertion('ada')), linkOf(await assertion('bob'))]
      await assert.rejects(method.refresh!({ ...ada, kept: bob.kept }), (error: Fault) =>
        /another person/.test(error.message),
      )
    }))

  test('without a kept token asks for a new sign-in', () =>
    withGitHub(async ({ instance }) => {
      const { assertion, method } = instance()
      const link = linkOf(await assertion('ada'))
      await assert.rejects(method.refresh!(link), (error: Fault) => error.code === 'ERR_LOGIN_EXPIRED')
    }))

  test('an app whose tokens end gets a new one with its refresh token', () =>
    withGitHub(async ({ instance, github }) => {
      const { assertion, method } = instance(members(9919))
      const done = await assertion('ada')
      const kept = done.keep as { token: string; at: string }
      github.faults.said.token = () => ({
        status: 200,
        json: { access_token: kept.token, refresh_token: 'ghr_second', token_type: 'bearer', expires_in: 28_800 },
      })
      const link = { ...linkOf(done), kept: { ...kept, token: 'gho_ended', refreshToken: 'ghr_first' } }
      const again = await method.refresh!(link)
      assert.ok(again !== 'gone')
      assert.deepEqual(again.keep, { ...kept, refreshToken: 'ghr_second' })
      github.faults.said.token = () => ({ status: 200, json: { error: 'bad_refresh_token' } })
      assert.equal(await method.refresh!(link), 'gone')
    }))
})

describe('revoke', () => {
  test('ends the token at GitHub, and one that is gone already is fine', () =>
    withGitHub(async ({ instance, github }) => {
      const { assertion, method } = instance(members(9919))
      const link = linkOf(await assertion('ada'))
      assert.equal(github.tokens().length, 1)
      await method.revoke!(link)
      assert.equal(github.tokens().length, 0)
      await method.revoke!(link)
    }))

  test('says so when GitHub could not be told', () =>
    withGitHub(async ({ instance, github }) => {
      const { assertion, method } = instance(members(9919))
      const link = linkOf(await assertion('ada'))
      github.faults.fail = { other: '500' }
      await assert.rejects(method.revoke!(link), (error: Fault) => error.code === 'ERR_UPSTREAM')
    }))
})

describe('probe', () => {
  const all = async (findings: AsyncIterable<Finding>) => {
    const found: Finding[] = []
    for await (const finding of findings) found.push(finding)
    return found
  }

  test('finds that GitHub takes the credentials, names that should be ids, and organisations that are not there', () =>
    withGitHub(async ({ instance }) => {
      const found = await all(instance(members(9919, 'example-lab', 12, 'not-there')).method.probe!())
      assert.deepEqual(
        found.map(({ ok }) => ok),
        [true, true, false, false, false],
      )
      assert.match(found[1]?.what ?? '', /9919 is example-lab/)
      assert.match(found[2]?.mend ?? '', /write 9919 instead of example-lab/)
      assert.match(found[4]?.mend ?? '', /check the name/)
    }))

  test('finds wrong credentials and a GitHub that does not answer', () =>
    withGitHub(async ({ instance, github }) => {
      const wrong = await all(instance({ ...githubApp, clientSecret: 'not-the-value' }).method.probe!())
      assert.deepEqual(
        wrong.map(({ ok, mend }) => [ok, mend]),
        [[false, 'check clientId and clientSecret']],
      )
      github.faults.fail = { other: 'drop' }
      const [down] = await all(instance().method.probe!())
      assert.equal(down?.ok, false)
    }))
})
