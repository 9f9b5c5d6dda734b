/** The ways people take through the pages, as the tests and the screenshots walk them. @module */
import assert from 'node:assert/strict'
import type { Actor } from '../../core/accounts/actor.ts'
import { startTestDemo, type TestDemo } from '../support/demo.ts'
import { type Sight, Visitor } from '../support/visitor.ts'
import { walkAccounts } from './walks-console-accounts.ts'
import { walkLedger } from './walks-console-ledger.ts'
import { walkPeople, walkTokens } from './walks-console-people.ts'
import { offersDevices, walkDevice } from './walks-device.ts'
import { walkMyAccess } from './walks-my-access.ts'
import { walkSandbox } from './walks-sandbox.ts'
import { offersWorkspaces, walkWorkspaces } from './walks-workspaces.ts'

/** One way: what it is called, the demo it needs, and its steps. */
export interface Walk {
  readonly name: string
  readonly change?: Parameters<typeof startTestDemo>[0]
  steps(visitor: Visitor, demo: TestDemo, sight: Sight): Promise<void>
}

/** Takes one way; fails when the browser had anything to complain about. Answers which documents were asked for. */
export async function take(walk: Walk, sight: Sight): Promise<{ visited: ReadonlySet<string>; demo: TestDemo }> {
  const demo = await startTestDemo(walk.change)
  try {
    const visitor = await Visitor.enter(sight)
    await walk.steps(visitor, demo, sight)
    await visitor.leave()
    return { visited: visitor.visited, demo }
  } finally {
    await demo.stop()
  }
}

const chooser = 'Sign in'
const consent = 'Allow Demo application?'
const account = 'Your account'
const people = 'Who are you today?'
const maria = 'maria@example.org'
const adasAddress = 'ada@university.example'

/** From the application's first page to the chooser. */
async function begin(visitor: Visitor, demo: TestDemo): Promise<void> {
  await visitor.page.goto(demo.application)
  await visitor.press('Sign in with Labgate', chooser)
}

async function toUniversity(visitor: Visitor): Promise<void> {
  await visitor.page.getByRole('button', { name: /Demo University/ }).click()
  await visitor.expect(people)
}

async function pick(visitor: Visitor, who: 'Ada' | 'Grace' | 'Guest', heading: string | RegExp): Promise<void> {
  await visitor.page.getByRole('button', { name: who }).click()
  await visitor.expect(heading)
}

/** Opens the account page, signing in by e-mail. */
async function openAccount(visitor: Visitor, demo: TestDemo, email = maria): Promise<void> {
  await visitor.page.goto(`${demo.issuer}/account`)
  await visitor.expect(chooser)
  await visitor.signInByEmail(email, { folder: demo.folder, heading: account })
}

/** Signs in at the application by e-mail and allows it all. */
async function openApplication(visitor: Visitor, demo: TestDemo, email = maria): Promise<void> {
  await begin(visitor, demo)
  await visitor.signInByEmail(email, { folder: demo.folder, heading: consent })
  await visitor.press('Allow', /^Hello, /)
}

const text = ({ page }: Visitor): Promise<string> => page.getByRole('main').innerText()

/** All ways. */
export const walks: readonly Walk[] = [
  {
    name: 'by e-mail to the application: a wrong code, the right one, consent, claims with their sources, new tokens',
    async steps(visitor, demo) {
      const { page } = visitor
      await page.goto(demo.application)
      await visitor.look('application-welcome')
      await visitor.press('Sign in with Labgate', chooser)
      await visitor.look('chooser')
      await page.getByLabel('E-mail address').fill(maria)
      await visitor.press('Send me a code', 'Check your mail')
      await visitor.look('code')
      const { code } = await demo.mail(maria)
      await page.getByLabel('Six-digit code').fill(code === '111111' ? '222222' : '111111')
      await visitor.press('Sign in', 'Check your mail')
      assert.match(await text(visitor), /not the code we sent/)
      await visitor.look('code-wrong')
      await page.getByLabel('Six-digit code').fill(code)
      await visitor.press('Sign in', consent)
      await visitor.look('consent')
      await visitor.press('Allow', 'Hello, maria')
      await visitor.look('application-claims')
      const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'email', exact: true }) })
      assert.match(await row.innerText(), /maria@example\.org\s+verified/)
      await visitor.press('Refresh tokens', 'Hello, maria')
      assert.match(await page.getByRole('status').innerText(), /^Refreshed/)
      await visitor.press('Sign in silently', 'Hello, maria')
    },
  },
  {
    name: 'straight to an application of the house, which asks for no consent, by a code and by the university',
    change: ({ clients }) => Object.assign(clients['demo-rp'] ?? {}, { firstParty: true }),
    async steps(visitor, demo) {
      await begin(visitor, demo)
      await visitor.signInByEmail(maria, { folder: demo.folder, heading: 'Hello, maria' })
      await visitor.press('Sign out', 'Sign out?')
      await visitor.press('Sign out', 'Hello, whoever you are')
      await begin(visitor, demo)
      await toUniversity(visitor)
      await pick(visitor, 'Grace', 'Hello, Grace Hopper')
    },
  },
  {
    name: 'by the link of the mail: signed in at once in the same browser, told to type the code in another',
    async steps(visitor, demo, sight) {
      await begin(visitor, demo)
      await visitor.page.getByLabel('E-mail address').fill(maria)
      await visitor.press('Send me a code', 'Check your mail')
      const { link } = await demo.mail(maria)
      const other = await Visitor.enter(sight)
      await other.page.goto(link)
      await other.expect('Type the code instead')
      await other.look('link-elsewhere')
      await other.page.goto(`${demo.issuer}/account`)
      await other.expect(chooser)
      await other.leave()
      const tab = await visitor.context.newPage()
      await tab.goto(link)
      await visitor.expect('Almost there', tab)
      await visitor.look('link-here', tab)
      await visitor.press('Sign in', consent, tab)
      await visitor.press('Allow', 'Hello, maria', tab)
      await tab.goto(link)
      await visitor.expect('This link no longer works', tab)
      await visitor.look('link-over', tab)
    },
  },
  {
    name: 'by the university, back without consent, and in again',
    async steps(visitor, demo) {
      await begin(visitor, demo)
      await toUniversity(visitor)
      await visitor.press('Back, I do not want to sign in', chooser)
      assert.match(await text(visitor), /turned down/)
      await visitor.look('chooser-after-refusal')
      await toUniversity(visitor)
      await visitor.look('university')
      await pick(visitor, 'Ada', consent)
      await visitor.press('Do not allow', 'That did not work')
      assert.match(await text(visitor), /access_denied/)
      await visitor.look('application-denied')
      await begin2(visitor, demo)
      await visitor.press('Allow', 'Hello, Ada Lovelace')
      const page = visitor.page
      const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'family_name' }) })
      assert.match(await row.innerText(), /Lovelace\s+asserted by university/)
    },
  },
  {
    name: 'the code of a device: wrong, no, yes; an answer that posts itself',
    change: offersDevices,
    steps: walkDevice,
  },
  {
    name: 'the account page: link, rename, a second device, consents, unlink, sign out, sign out everywhere',
    async steps(visitor, demo, sight) {
      const { page } = visitor
      await page.goto(demo.issuer)
      await visitor.expect('Welcome to Labgate')
      await visitor.look('home')
      await visitor.press('Sign in', chooser)
      await visitor.look('chooser-of-the-account')
      await visitor.signInByEmail(maria, { folder: demo.folder, heading: account })
      await visitor.look('account-new')
      await visitor.press('Demo University', people)
      await pick(visitor, 'Ada', account)
      assert.match(await text(visitor), /Demo University now opens this account, too/)
      await page.getByText('Change your name').click()
      await page.getByLabel('Name', { exact: true }).fill('Maria Mitchell')
      await visitor.press('Save', account)
      assert.match(await text(visitor), /Maria Mitchell/)
      await page.goto(demo.application)
      await visitor.press('Sign in with Labgate', consent)
      await visitor.press('Allow', 'Hello, Maria Mitchell')
      const other = await Visitor.enter(sight)
      await openAccount(other, demo)
      await page.goto(`${demo.issuer}/account`)
      await visitor.look('account')
      await page.getByRole('button', { name: /^Sign out \S+ · / }).click()
      await visitor.expect(account)
      await other.page.reload()
      await other.expect(chooser)
      await page.getByRole('button', { name: /^Take back/ }).click()
      await visitor.expect(account)
      assert.match(await text(visitor), /not allowed any service/)
      await page.locator('summary', { hasText: 'Demo University' }).click()
      await page.getByRole('button', { name: /^Yes, remove it Demo University/ }).click()
      await visitor.expect(account)
      assert.match(await text(visitor), /The only way into your account/)
      await visitor.press('Sign out here', 'You are signed out')
      await visitor.look('signed-out')
      await visitor.press('Sign in again', chooser)
      await visitor.signInByEmail(maria, { folder: demo.folder, heading: account })
      await openAccount(other, demo)
      await visitor.press('Sign out everywhere', 'You are signed out')
      await other.page.reload()
      await other.expect(chooser)
      await other.leave()
    },
  },
  {
    name: 'a second address is linked by a form of its own; a stale session proves itself first',
    async steps(visitor, demo) {
      await visitor.page.goto(`${demo.issuer}/account`)
      await visitor.expect(chooser)
      await toUniversity(visitor)
      await pick(visitor, 'Grace', account)
      await visitor.press('E-mail', 'Add E-mail to your account')
      await visitor.look('link-form')
      await visitor.page.getByLabel('E-mail address').fill('grace@example.org')
      await visitor.press('Send me a code', 'Check your mail')
      await visitor.look('link-code')
      await visitor.page.getByLabel('Six-digit code').fill((await demo.mail('grace@example.org')).code)
      await visitor.press('Sign in', account)
      assert.match(await text(visitor), /E-mail now opens this account, too/)
      await visitor.page.goto(`${demo.issuer}/account/fresh`)
      await visitor.expect(account)
      await visitor.press('Sign out here', 'You are signed out')
      await visitor.look('signed-out-with-upstream')
    },
  },
  {
    name: 'the first admin: a wrong code, the right one, and then nobody else',
    async steps(visitor, demo) {
      const { page } = visitor
      await openAccount(visitor, demo)
      await page.goto(`${demo.issuer}/account/first-admin`)
      await visitor.expect('Become the first administrator')
      await visitor.look('first-admin')
      await page.getByLabel('The code').fill('not-the-code')
      await visitor.press('Become administrator', 'Become the first administrator')
      await visitor.look('first-admin-wrong')
      await page.getByLabel('The code').fill(demo.firstAdminCode ?? '')
      await visitor.press('Become administrator', account)
      assert.match(await text(visitor), /Administrator/)
      await page.goto(`${demo.issuer}/account/first-admin`)
      await visitor.expect('There is nothing here')
    },
  },
  {
    name: 'sign-out that the application began: stay, go; and one that nobody began',
    async steps(visitor, demo) {
      const { page } = visitor
      await openApplication(visitor, demo)
      await visitor.press('Sign out', 'Sign out?')
      await visitor.look('sign-out-confirm')
      await visitor.press('Stay signed in', 'Hello, whoever you are')
      await visitor.press('Sign in with Labgate', /^(Hello, maria|Allow Demo application\?)$/)
      await page.goto(`${demo.issuer}/oidc/logout`)
      await visitor.expect('Sign out?')
      await visitor.press('Sign out', 'You are signed out')
      await visitor.look('signed-out-of-all')
      await page.goto(`${demo.issuer}/account`)
      await visitor.expect(chooser)
    },
  },
  {
    name: 'continue as before, or switch: the library’s own page between two people is let through',
    async steps(visitor, demo) {
      await openApplication(visitor, demo)
      await visitor.press('Choose an account', 'Continue with your account?')
      await visitor.look('continue-as')
      await visitor.press('Continue as maria', 'Hello, maria')
      await visitor.press('Choose an account', 'Continue with your account?')
      await visitor.press('Use another account', chooser)
      await visitor.look('chooser-with-account')
      await toUniversity(visitor)
      await pickThrough(visitor, 'Grace')
      await visitor.expect(consent)
      assert.match(await text(visitor), /Grace Hopper/)
      await visitor.press('Allow', 'Hello, Grace Hopper')
      await visitor.page.goto(`${demo.issuer}/account`)
      await visitor.expect(account)
      assert.match(await text(visitor), /Grace Hopper/)
    },
  },
  {
    name: 'proof that it is you: the same person goes on, another one changes places, at the university too',
    async steps(visitor, demo) {
      const { page } = visitor
      await begin(visitor, demo)
      await toUniversity(visitor)
      await pick(visitor, 'Ada', consent)
      await visitor.press('Allow', 'Hello, Ada Lovelace')
      await visitor.press('Prove it is you', chooser)
      assert.equal(await page.getByRole('button', { name: /^Continue as/ }).count(), 0)
      await toUniversity(visitor)
      await pick(visitor, 'Ada', 'Hello, Ada Lovelace')
      await visitor.press('Prove it is you', chooser)
      await toUniversity(visitor)
      await pickThrough(visitor, 'Grace')
      await visitor.expect(consent)
      await visitor.press('Allow', 'Hello, Grace Hopper')
    },
  },
  {
    name: 'pages that say what to do: other name, nothing there, too late, cancelled, signed in elsewhere',
    async steps(visitor, demo) {
      const { page } = visitor
      await page.goto(demo.issuer.replace('localhost', '127.0.0.1'))
      await visitor.expect('Right place, other name')
      await visitor.look('wrong-host')
      await visitor.press(`${demo.issuer}/`, 'Welcome to Labgate')
      await page.goto(`${demo.issuer}/no/such/page`)
      await visitor.expect('There is nothing here')
      await visitor.look('not-found')
      await page.goto(`${demo.issuer}/interaction/no-such-interaction`)
      await visitor.expect('This sign-in took too long')
      await visitor.look('expired')
      for (const path of ['continue', 'choose', 'm/email/none']) {
        await page.goto(`${demo.issuer}/interaction/no-such-interaction/${path}`)
        await visitor.expect('This sign-in took too long')
      }
      await page.goto(`${demo.issuer}/sign-in/university/callback?state=none&code=none`)
      await visitor.expect('This sign-in took too long')
      await page.goto(`${demo.issuer}/sign-in/email/a/none`)
      await visitor.expect('This sign-in took too long')
      await page.goto(`${demo.issuer}/oidc/auth?client_id=nobody`)
      await visitor.expect('That was not quite right')
      await visitor.look('unknown-client')
      await page.goto(`${demo.issuer}/account`)
      await visitor.expect(chooser)
      await visitor.press('Cancel', 'You are not signed in')
      await visitor.look('cancelled')
      await visitor.press('Try again', chooser)
      await openAccount(visitor, demo)
      await page.goto(demo.issuer)
      await visitor.press('Your account', account)
      await page.goto(`${demo.issuer}/account/link/m/university/none`)
      await visitor.expect('This sign-in took too long')
      await page.goto(`${demo.issuer}/account/link/continue?o=none`)
      await visitor.expect('This sign-in took too long')
    },
  },
  {
    name: 'questions: on the way to the application, left empty, answered, and changed on the account page',
    change: (file) => {
      const options = [
        { value: 'imaging', label: 'Imaging' },
        { value: 'optics', label: 'Optics workshop' },
      ]
      const lab = {
        id: 'lab',
        label: 'Which lab do you work in?',
        type: 'choice',
        options,
        required: true,
        group: true,
      }
      file.profile = { questions: [lab, { id: 'desk', label: 'Where is your desk?', type: 'text' }] }
    },
    async steps(visitor, demo) {
      const { page } = visitor
      await begin(visitor, demo)
      await visitor.signInByEmail(maria, { folder: demo.folder, heading: 'About you' })
      await visitor.look('profile')
      // The browser itself asks for what is required; the server is asked without it.
      await page.locator('form[action$="/profile"]').evaluate((form) => form.setAttribute('novalidate', ''))
      await visitor.press('Save and continue', 'About you')
      assert.match(await text(visitor), /needs an answer/)
      await visitor.look('profile-mistake')
      await page.getByLabel('Which lab do you work in?').selectOption('imaging')
      await visitor.press('Save and continue', consent)
      await visitor.press('Allow', 'Hello, maria')
      await page.goto(`${demo.issuer}/account`)
      assert.match(await text(visitor), /Imaging/)
      await page.goto(`${demo.issuer}/account/profile`)
      await visitor.look('profile-own')
      await page.getByLabel('Where is your desk?').fill('By the window')
      await visitor.press('Save and continue', account)
      assert.match(await text(visitor), /Your answers were saved.*By the window/s)
      await page.goto(`${demo.issuer}/profile/for/nobody`)
      await visitor.expect('There is nothing here')
    },
  },
  {
    name: 'terms of use: on the way to the application, changed under the eyes, by themselves, by a link',
    change: (file) => {
      const text = { markdown: '# Be kind\n\n1. To **fish**.\n2. To [people](https://lab.example.org/people).' }
      file.terms = { house: { title: 'Rules of the house', text, services: ['demo-rp'], again: 'accept' } }
    },
    async steps(visitor, demo) {
      const { page } = visitor
      const { terms, datasets } = demo.labgate.rooms.get('ledger')
      const keeper: Actor = { kind: 'system', name: 'config' }
      await begin(visitor, demo)
      await visitor.signInByEmail(maria, { folder: demo.folder, heading: 'Rules of the house' })
      await visitor.look('terms')
      await visitor.press('Not now', 'That did not work')
      assert.match(await text(visitor), /access_denied/)
      await page.goto(demo.application)
      await visitor.press('Sign in with Labgate', 'Rules of the house')
      await terms.publish(keeper, 'house', { markdown: 'Be very kind.', again: 'accept' })
      await visitor.press('I accept', 'Rules of the house')
      assert.match(await text(visitor), /changed while you read it/)
      await visitor.look('terms-changed')
      await visitor.press('I accept', consent)
      await visitor.press('Allow', 'Hello, maria')
      await page.goto(`${demo.issuer}/terms/house`)
      await visitor.expect('Rules of the house')
      await visitor.look('terms-accepted')
      await datasets.create(keeper, { slug: 'fish2', title: 'Fish Two' })
      await terms.add(keeper, { id: 'fish', title: 'Rules of the fish', markdown: 'Feed them.', dataset: 'fish2' })
      const { token } = await terms.invite(keeper, { terms: 'fish', level: 'view', seats: 1 })
      await page.goto(`${demo.issuer}/terms/invited/${token}`)
      await visitor.expect('Rules of the fish')
      await visitor.look('terms-invited')
      await visitor.press('I accept', 'Thank you')
      assert.match(await text(visitor), /You can look at Fish Two now/)
      await visitor.look('terms-done')
      await page.goto(`${demo.issuer}/terms/invited/none`)
      await visitor.expect('This link leads nowhere')
      await visitor.look('terms-link-over')
      await page.goto(`${demo.issuer}/terms/for/nobody?back=/`)
      await visitor.expect('There is nothing here')
    },
  },
  {
    name: 'the console: a dataset, its objects, access given and ended, a request answered, and why',
    change: (file) => {
      file.admins = ['email:maria@example.org']
    },
    steps: walkLedger,
  },
  {
    name: 'the console: a group, terms with a link, a service account with a token, and what the trail says of it all',
    change: (file) => {
      file.admins = ['email:maria@example.org']
    },
    steps: walkPeople,
  },
  {
    name: 'the console: people let in, invited, looked after, merged and erased',
    change: (file) => {
      file.admins = ['email:maria@example.org']
    },
    steps: walkAccounts,
  },
  {
    name: 'a workspace: started, watched, opened, stopped; one that failed; the console’s room for them',
    change: offersWorkspaces,
    steps: walkWorkspaces,
  },
  {
    name: 'what may I see: terms to accept, a dataset to ask for',
    steps: walkMyAccess,
  },
  {
    name: 'a token of one’s own: made, shown once, revoked',
    steps: walkTokens,
  },
  {
    name: 'the sandbox: what a way to sign in says, and what would come of it',
    change: (file) => {
      file.admins = ['email:maria@example.org']
    },
    steps: walkSandbox,
  },
  {
    name: 'somebody whose address is known links the new way, or keeps two accounts',
    async steps(visitor, demo, sight) {
      await openAccount(visitor, demo, adasAddress)
      await visitor.press('Sign out everywhere', 'You are signed out')
      await begin(visitor, demo)
      await toUniversity(visitor)
      await pick(visitor, 'Ada', 'You may have an account already')
      await visitor.look('link-or-new')
      await visitor.press('Choose a way to sign in', chooser)
      await visitor.signInByEmail(adasAddress, { folder: demo.folder, heading: consent })
      await visitor.page.goto(`${demo.issuer}/account`)
      await visitor.expect(account)
      assert.match(await text(visitor), /Demo University ada@university\.example/)
      await openNew(demo, sight)
    },
  },
  {
    name: 'people who wait for approval, and a sign-in that is out of order',
    change: ({ plugins }) => {
      plugins.university = { ...plugins.university, admission: { state: 'pending' } }
    },
    async steps(visitor, demo) {
      await begin(visitor, demo)
      await toUniversity(visitor)
      await pick(visitor, 'Ada', 'Almost there')
      await visitor.look('waiting')
    },
  },
  {
    name: 'people whom no rule lets in',
    change: (file) => {
      const allow = { domains: ['students.university.example'] }
      file.plugins.university = { ...file.plugins.university, admission: { allow } }
      file.branding = { support: 'mailto:help@example.org' }
    },
    async steps(visitor, demo) {
      await begin(visitor, demo)
      await toUniversity(visitor)
      await pick(visitor, 'Guest', 'You cannot come in this way')
      await visitor.look('refused')
      await visitor.press('Use another way to sign in', chooser)
      await visitor.signInByEmail(maria, { folder: demo.folder, heading: consent })
    },
  },
  {
    name: 'a university that does not answer',
    change: ({ plugins }) => Object.assign(plugins.university?.config ?? {}, { tokenEndpoint: 'http://127.0.0.1:9/' }),
    async steps(visitor, demo) {
      await begin(visitor, demo)
      await toUniversity(visitor)
      await pick(visitor, 'Ada', chooser)
      await visitor.look('upstream-down')
      await visitor.signInByEmail(maria, { folder: demo.folder, heading: consent })
    },
  },
]

/** Signed in already, the application asks for consent at once. */
async function begin2({ page, ...rest }: Visitor, demo: TestDemo): Promise<void> {
  void rest
  await page.goto(demo.application)
  await page.getByRole('link', { name: 'Sign in with Labgate' }).click()
  await page.getByRole('heading', { level: 1, name: consent }).waitFor()
}

/** At the university another person than before meets a page that submits itself with scripts, and has a button without. */
async function pickThrough({ page }: Visitor, who: 'Ada' | 'Grace'): Promise<void> {
  await page.getByRole('button', { name: who }).click()
  const heading = page.getByRole('heading', { level: 1, name: consent })
  const go = page.locator('noscript button, form > button[type=submit][autofocus]')
  for (let tries = 0; tries < 3; tries++) {
    await heading.or(go).first().waitFor()
    if (await heading.isVisible()) return
    await go.click()
  }
}

async function openNew(demo: TestDemo, sight: Sight): Promise<void> {
  const other = await Visitor.enter(sight)
  await openAccount(other, demo, 'grace@students.university.example')
  await other.press('Sign out here', 'You are signed out')
  await begin(other, demo)
  await toUniversity(other)
  await pick(other, 'Grace', 'You may have an account already')
  await other.press('Make a new account', consent)
  await other.press('Allow', 'Hello, Grace Hopper')
  await other.leave()
}
