/** The pages of people in German over HTTP: sign-in, consent, account, workspaces, errors and mail; no English of ours is left. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { englishOn } from '../support/english.ts'
import { relyingParty, signInByEmail } from '../support/labgate.ts'
import { type Page, UserAgent } from '../support/user-agent.ts'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from '../support/workspaces.ts'

suite('the pages in German', () => {
  let world: WorkspaceWorld
  const agent = new UserAgent({ stopAt: ['http://127.0.0.1:9/'], headers: { 'accept-language': 'de' } })
  const at = (path: string) => `${world.site.issuer}${path}`
  const inGerman = (page: Page): Page => {
    assert.match(page.text, /<html lang="de">/, page.url.href)
    // The trail keeps the rule as it was written down.
    const data = page.url.pathname === '/console/audit' ? 'a verified e-mail address at … or a member of' : ''
    const left = englishOn(page.text, { language: 'de', data }).filter((text) => text !== 'English')
    assert.deepEqual(left, [], page.url.href)
    return page
  }
  const open = async (path: string) => inGerman(await agent.open(at(path)))
  const formTo = (page: Page, action: RegExp) => page.forms.find((form) => action.test(form.action))

  before(async () => {
    world = await workspaceWorld({
      language: 'de',
      plugins: {
        email: {
          use: '@labgate/auth-email',
          admission: { allow: { any: [{ domains: ['example.org'] }, { organisations: ['labor'] }] } },
        },
      },
      workspaces: { profiles: { notebook: { ...testProfiles.notebook, title: 'Heft', allow: {} } } },
      datasets: { fisch: { title: 'Fisch', visibility: 'listed' } },
      terms: { nutzung: { title: 'Nutzung', dataset: 'fisch', text: { markdown: 'Seid nett.' } } },
      admins: ['email:ada@example.org'],
    })
  })
  after(() => world.stop())

  test('from the chooser through mail and code to consent, with every trouble on the way', async () => {
    const { url } = await (await relyingParty(world.site.issuer, 'third')).request()
    const chooser = inGerman(await agent.open(url))
    const form = chooser.forms.find(({ fields }) => 'email' in fields)
    inGerman(await agent.submit(chooser, form, { email: 'keine Adresse' }, form?.buttons[0]?.action))
    const step = inGerman(await agent.submit(chooser, form, { email: 'ada@example.org' }, form?.buttons[0]?.action))
    const letter = await world.site.mail('ada@example.org')
    assert.match(letter.text, /Geben Sie diesen Code in dem Fenster ein/)
    assert.match(letter.subject, /^Anmeldung bei /)
    const codeForm = (page: Page) => page.forms.find(({ fields }) => 'code' in fields)
    const again = inGerman(await agent.submit(step, codeForm(step), { code: '000000' }))
    const consent = inGerman(await agent.submit(again, codeForm(again), { code: letter.code }))
    assert.match(consent.text, /Third party zulassen\?/)
    const back = await agent.press(consent, 'Zulassen')
    assert.equal(back.status, 0)
    inGerman(await agent.open(consent.url))
  })

  test('the account and all that belongs to it', async () => {
    for (const path of ['/', '/account', '/account/access', '/account/tokens', '/account/history', '/account/profile'])
      await open(path)
    const account = await open('/account')
    inGerman(await agent.submit(account, formTo(account, /name$/), { displayName: '' }))
    const dataset = await open('/account/access/fisch')
    const asked = formTo(dataset, /fisch/)
    inGerman(await agent.submit(dataset, asked, { level: 'view', why: '' }))
    inGerman(await agent.submit(dataset, asked, { level: 'view', why: 'Forschung' }))
    inGerman(await agent.open(at('/terms/nutzung')))
  })

  test('a request for access is told to its keepers in their language', async () => {
    const letter = await world.site.mail('ada@example.org')
    assert.match(letter.subject, /beantragt Zugang zu Fisch$/)
    assert.match(letter.text, /Fisch ansehen\.\n\nDie Begründung:\nForschung/)
  })

  test('a device is connected in the language that was chosen', async () => {
    const page = await open('/oidc/device')
    const english = await agent.press(page, 'English')
    assert.match(english.text, /<html lang="en">/)
    const german = inGerman(await agent.press(english, 'Deutsch'))
    assert.equal(german.url.pathname, '/oidc/device')
    inGerman(await agent.submit(german, formTo(german, /device/), { user_code: 'WRNG-CODE' }))
  })

  test('who is refused reads the rule', async () => {
    const other = new UserAgent({ headers: { 'accept-language': 'de' } })
    const refused = await signInByEmail(world.site, other, { at: at('/account'), email: 'eve@evil.example' })
    assert.equal(refused.status, 403)
    assert.match(inGerman(refused).text, /eine geprüfte E-Mail-Adresse bei example.org oder Mitglied von labor/)
  })

  test('workspaces: list, start, its page, its trouble', async () => {
    const list = await open('/workspaces')
    const mine = inGerman(await agent.submit(list, formTo(list, /^\/workspaces/), {}))
    assert.match(mine.url.pathname, /^\/workspaces\/w/)
    inGerman(await agent.open(mine.url))
    await open('/workspaces/wnichtvorhanden1')
  })

  test('the console, for who looks after the site', async () => {
    for (const path of ['', '/datasets', '/grants', '/requests', '/people', '/groups', '/terms', '/tokens', '/audit'])
      await open(`/console${path}`)
    for (const path of ['/explain', '/workspaces', '/workspaces/quotas', '/invitations', '/service-accounts'])
      await open(`/console${path}`)
  })

  test('errors, and the way out', async () => {
    await open('/gibt-es-nicht')
    inGerman(await agent.open(at('/oidc/auth?client_id=unbekannt')))
    const account = await open('/account')
    inGerman(await agent.press(account, 'Hier abmelden'))
  })
})
