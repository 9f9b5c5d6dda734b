import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Octokit } from '@octokit/core'
import * as client from 'openid-client'
import { type GitHub, githubApp, startGitHub } from '../../support/github.ts'
import { cast } from './world.ts'

/** The stand-in, driven by GitHub's own client and by another OAuth client: not only by what our plugin expects of it. */
describe('the GitHub of the tests is one to those who know the real one', () => {
  const callback = 'https://app.example.org/callback'
  const { ada, bob, lab, other } = cast()
  let github: GitHub
  before(async () => {
    const seats = Array.from({ length: 65 }, (_, n) => ({ organization: { id: 500 + n, login: `org-${n}` } }))
    ada.seats = [...(ada.seats ?? []), ...seats]
    ada.teams = [{ id: 31, slug: 'imaging', organization: lab }]
    github = await startGitHub({ people: [ada, bob], organizations: [lab, other], callbacks: [callback] })
  })
  after(() => github.close())

  /** Signs in with openid-client, as an application would. */
  async function tokenOf(login: string, scope = 'read:org user:email') {
    const server = {
      issuer: `${github.url}/login/oauth`,
      authorization_endpoint: `${github.url}/login/oauth/authorize`,
      token_endpoint: `${github.url}/login/oauth/access_token`,
    }
    const { clientId, clientSecret } = githubApp
    const config = new client.Configuration(server, clientId, {}, client.ClientSecretPost(clientSecret))
    client.allowInsecureRequests(config)
    const [state, verifier] = [client.randomState(), client.randomPKCECodeVerifier()]
    const challenge = {
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }
    const to = client.buildAuthorizationUrl(config, { redirect_uri: callback, scope, state, ...challenge })
    const back = await github.signIn(to, login)
    return client.authorizationCodeGrant(config, back, { pkceCodeVerifier: verifier, expectedState: state })
  }

  const octokitOf = (auth?: string) =>
    new Octokit({
      baseUrl: `${github.url}/api/v3`,
      ...(auth === undefined ? {} : { auth }),
      // It speaks of failed requests on the console otherwise.
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
    })

  const statusOf = (work: Promise<unknown>) =>
    work.then(
      (answer) => (answer as { status: number }).status,
      (error: { status: number }) => error.status,
    )

  test('openid-client walks the web application flow, issuer and PKCE included', async () => {
    const tokens = await tokenOf('ada')
    assert.equal(tokens.token_type, 'bearer')
    assert.equal(tokens.scope, 'read:org,user:email')
  })

  test('octokit reads the person, their addresses and the scopes', async () => {
    const octokit = octokitOf((await tokenOf('ada')).access_token)
    const user = await octokit.request('GET /user')
    assert.equal(user.data.id, 4711)
    assert.equal(user.headers['x-oauth-scopes'], 'read:org, user:email')
    const { data: emails } = await octokit.request('GET /user/emails')
    assert.equal(emails.find((entry) => entry.primary && entry.verified)?.email, 'ada@example.org')
  })

  test('octokit pages through memberships by Link headers: 30 a page, next and last', async () => {
    const octokit = octokitOf((await tokenOf('ada')).access_token)
    const first = await octokit.request('GET /user/memberships/orgs', { state: 'active' })
    assert.equal(first.data.length, 30)
    assert.equal(first.data[0]?.organization.id, 9919)
    assert.match(first.headers.link ?? '', /<[^>]*[?&]page=2>; rel="next", <[^>]*[?&]page=3>; rel="last"/)
    const last = await octokit.request('GET /user/memberships/orgs', { page: 3 })
    assert.equal(last.data.length, 6)
    assert.doesNotMatch(last.headers.link ?? '', /rel="next"/)
    const whole = await octokit.request('GET /user/orgs', { per_page: 1000 })
    assert.equal(whole.data.length, 66, 'at most a hundred a page')
    const teams = await octokit.request('GET /user/teams')
    assert.equal(teams.data[0]?.organization.login, 'example-lab')
  })

  test('octokit asks for members: 204, 302 to the public list, 404', async () => {
    const inside = octokitOf((await tokenOf('ada')).access_token)
    const outside = octokitOf((await tokenOf('bob')).access_token)
    const path = 'GET /orgs/{org}/members/{username}'
    assert.equal(await statusOf(inside.request(path, { org: 'example-lab', username: 'ada' })), 204)
    assert.equal(await statusOf(inside.request(path, { org: 'example-lab', username: 'bob' })), 404)
    const manual = { request: { redirect: 'manual' as const } }
    const seen = outside.request(path, { org: 'example-lab', username: 'ada', ...manual })
    assert.equal(await statusOf(seen), 302)
    const followed = octokitOf((await tokenOf('ada')).access_token).request(path, { org: 'other-org', username: 'bob' })
    assert.equal(await statusOf(followed), 204, 'the redirect leads to the public list')
    const { data } = await octokitOf().request('GET /users/{username}/orgs', { username: 'bob' })
    assert.deepEqual(
      data.map(({ login }) => login),
      ['other-org'],
    )
  })

  test('octokit finds an organisation by name, and its name by id', async () => {
    const octokit = octokitOf((await tokenOf('bob')).access_token)
    const { data } = await octokit.request('GET /orgs/{org}', { org: 'Example-Lab' })
    assert.equal(data.id, 9919)
    const listed = await octokit.request('GET /organizations', { since: 9918, per_page: 1 })
    assert.equal(listed.data[0]?.login, 'example-lab')
  })

  test('octokit is refused as GitHub refuses: bad token, missing scope, restriction, SAML', async () => {
    await assert.rejects(octokitOf('gho_never_given').request('GET /user'), { status: 401 })
    const few = octokitOf((await tokenOf('ada', '')).access_token)
    await assert.rejects(few.request('GET /user/emails'), { status: 404 })
    await assert.rejects(few.request('GET /user/memberships/orgs'), { status: 403 })
    const octokit = octokitOf((await tokenOf('ada')).access_token)
    const ask = () => octokit.request('GET /orgs/{org}/members/{username}', { org: 'example-lab', username: 'ada' })
    lab.restricted = true
    await assert.rejects(ask(), /OAuth App access restrictions/)
    lab.restricted = false
    lab.saml = true
    await assert.rejects(ask(), /SAML enforcement/)
    const { headers } = await octokit.request('GET /user/orgs')
    assert.equal(headers['x-github-sso'], 'partial-results; organizations=9919')
    lab.saml = false
  })

  test('octokit checks and ends a token as the application', async () => {
    const { access_token: token } = await tokenOf('ada')
    const pair = Buffer.from(`${githubApp.clientId}:${githubApp.clientSecret}`).toString('base64')
    const about = { client_id: githubApp.clientId, access_token: token, headers: { authorization: `Basic ${pair}` } }
    const octokit = octokitOf()
    const { data } = await octokit.request('POST /applications/{client_id}/token', about)
    assert.equal(data.user?.login, 'ada')
    assert.equal(await statusOf(octokit.request('DELETE /applications/{client_id}/token', about)), 204)
    assert.equal(await statusOf(octokit.request('POST /applications/{client_id}/token', about)), 404)
    await assert.rejects(octokitOf(token).request('GET /user'), { status: 401 })
  })
})
