import assert from 'node:assert/strict'
import { after } from 'node:test'
import plugin from '@labgate/auth-github'
import { authConformance, callbackReply } from '@labgate/testkit'
import { githubApp, primary, startGitHub } from '../../support/github.ts'
import type { GitHubAnswer, GitHubFaults } from '../../support/github-state.ts'

const lab = { id: 9919, login: 'example-lab' }
const ada = { id: 4711, login: 'ada', emails: [primary('ada@example.org')], seats: [{ organization: lab }] }
const github = await startGitHub({
  people: [ada],
  organizations: [lab],
  callbacks: ['github', 'one', 'other'].map((id) => `https://gate.example/sign-in/${id}/callback`),
})
after(() => github.close())

const saying = (said: GitHubFaults['said']) => () => {
  github.faults.said = said
  return () => {
    github.faults.said = {}
  }
}

const json = (change: (json: unknown) => unknown) => (answer: GitHubAnswer) => ({
  ...answer,
  json: change(answer.json),
})

const location = (name: string, value: string) => (answer: GitHubAnswer) => {
  const to = URL.parse(answer.headers?.location ?? '')
  to?.searchParams.set(name, value)
  return to === null ? answer : { ...answer, headers: { location: to.href } }
}

authConformance({
  plugin,
  config: { url: github.url, ...githubApp, allow: { mode: 'organizations', organizations: [9919] } },
  fetch: globalThis.fetch,
  hostile: {
    wrongNonce: 'OAuth 2.0 without ID tokens has no nonce; state and PKCE bind the answer to the attempt',
    otherIssuer: saying({ authorize: location('iss', 'https://other.example/login/oauth') }),
    unverifiedEmail: saying({ emails: json(() => [primary('ada@example.org', { verified: false })]) }),
  },
  faults: [
    { name: 'refuses another state', arrange: saying({ authorize: location('state', 'of-another-attempt') }) },
    { name: 'refuses another code', arrange: saying({ authorize: location('code', '0123456789') }) },
    { name: 'refuses a person without an id', arrange: saying({ user: json(() => ({ login: 'ada' })) }) },
    {
      name: 'refuses a person whose id is a text',
      arrange: saying({ user: json(() => ({ id: '4711', login: 'ada' })) }),
    },
    {
      name: 'refuses when memberships are revoked',
      arrange: saying({ memberships: () => ({ status: 404, json: {} }) }),
    },
  ],
  async answer({ step }) {
    assert.ok('to' in step)
    return callbackReply(await github.signIn(step.to, 'ada'))
  },
})
