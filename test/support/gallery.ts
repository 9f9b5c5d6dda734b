/** Sample data for every page: what the tests look at, and what a designer of own templates may start from. @module */

import { assetUrls, loadAssets } from '../../core/pages/assets.ts'
import { iconUri } from '../../core/pages/links.ts'
import type { Branding } from '../../core/pages/pages.ts'
import { createPages, type Pages } from '../../core/pages/pages.ts'
import type { ClientView, Post, ViewName, Views } from '../../core/pages/views.ts'
import { accessSamples } from './gallery-access.ts'
import { accountSamples } from './gallery-console-accounts.ts'
import { ledgerSamples } from './gallery-console-ledger.ts'
import { peopleSamples } from './gallery-console-people.ts'
import { profileSamples } from './gallery-profile.ts'
import { sandboxSamples } from './gallery-sandbox.ts'
import { workspaceSamples } from './gallery-workspaces.ts'

/** One page of the gallery. */
export type Sample = {
  readonly [V in ViewName]: {
    readonly name: string
    readonly view: V
    readonly data: Views[V]
    /** Whether the page is shown to somebody who is signed in. */
    readonly signedIn: boolean
  }
}[ViewName]

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** The real pages with our own assets, as a test uses them. */
export function samplePages(branding: Branding = { support: 'help@lab.example.org' }): Pages {
  return createPages({ siteName: 'Northfield Lab', branding, assets: assetUrls(loadAssets()), log: quiet })
}

/** A sample, rendered. */
export function renderSample(pages: Pages, sample: Sample, locale = 'en'): string {
  const options = {
    locale,
    nonce: 'sample-nonce',
    here: '/',
    signedIn: sample.signedIn ? { ...alice, signOut: post('/account/sign-out') } : undefined,
  }
  return pages.render(sample.view, sample.data as never, options)
}

const alice = { displayName: 'Alice Nakamura', email: 'alice@example.org' }
const now = new Date('2026-03-04T10:30:00Z')

function post(action: string): Post {
  return { action, csrf: 'sample-csrf' }
}

function ago(minutes: number): Date {
  return new Date(now.getTime() - minutes * 60_000)
}

function mark(colour: string, letter: string): string {
  return iconUri(
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 20 20"><circle cx="10" cy="10" r="10" fill="${colour}"/><text x="10" y="14" font-family="sans-serif" font-size="11" font-weight="700" text-anchor="middle" fill="#fff">${letter}</text></svg>`,
  )
}

const client: ClientView = { name: 'Neuron Atlas', homepage: 'https://atlas.example.org/' }
const emailForm = {
  fields: [
    {
      name: 'email',
      label: 'E-mail address',
      type: 'email',
      required: true,
      autocomplete: 'email',
      placeholder: 'you@example.org',
    },
  ],
  submit: 'Send me a sign-in mail',
} as const

const methods = {
  github: {
    id: 'github',
    label: 'Continue with GitHub',
    action: '/interaction/u/m/github',
    icon: mark('#24292f', 'G'),
  },
  orcid: {
    id: 'orcid',
    label: 'Continue with ORCID',
    action: '/interaction/u/m/orcid',
    icon: mark('#5a7a14', 'iD'),
    hint: 'For researchers of any institution',
  },
  university: {
    id: 'university',
    label: 'Demo University',
    action: '/interaction/u/m/university',
    unavailable: 'Demo University does not answer at the moment.',
  },
  email: { id: 'email', label: 'E-mail', action: '/interaction/u/m/email', form: emailForm },
  directory: {
    id: 'directory',
    label: 'Lab directory',
    action: '/interaction/u/m/directory',
    form: {
      title: 'Lab directory',
      fields: [
        { name: 'user', label: 'User name', type: 'text', required: true, autocomplete: 'username' },
        { name: 'password', label: 'Password', type: 'password', required: true },
      ],
      submit: 'Sign in',
    },
  },
} as const satisfies Record<string, Views['chooser']['methods'][number]>

function sample<V extends ViewName>(name: string, view: V, data: Views[V]): Sample {
  return { name, view, data, signedIn: false } as unknown as Sample
}

function signedIn(one: Sample): Sample {
  return { ...one, signedIn: true }
}

/** Every view, in the shapes in which it differs to the eye. */
export function galleryData(): readonly Sample[] {
  return [
    ...choosers(),
    ...steps(),
    ...decisions(),
    ...terms(),
    ...endings(),
    ...ownPages(),
    ...accessSamples(),
    ...profileSamples(),
    ...peopleSamples(),
    ...sandboxSamples(),
    ...workspaceSamples(),
    ...accountSamples(),
    ...ledgerSamples(),
  ]
}

function choosers(): readonly Sample[] {
  const { github, orcid, university, email, directory } = methods
  const csrf = 'sample-csrf'
  const cancel = post('/interaction/u/cancel')
  return [
    sample('chooser', 'chooser', {
      client,
      methods: [email, github, orcid],
      csrf,
      remember: { days: 7 },
      cancel,
      lastUsed: 'github',
    }),
    sample('chooser-again', 'chooser', {
      client,
      message: { tone: 'warning', text: 'Your last sign-in took too long. Please start again.' },
      methods: [github, university, email, directory],
      csrf,
      remember: { days: 7, checked: true },
      continueAs: { ...alice, ...post('/interaction/u/continue-as') },
      cancel,
    }),
    sample('chooser-buttons', 'chooser', { client: undefined, methods: [github, orcid], csrf }),
    sample('chooser-none', 'chooser', { client: undefined, methods: [], csrf }),
  ]
}

function steps(): readonly Sample[] {
  const code = {
    title: 'Look into your mail',
    intro: ['We sent a link and a code to alice@example.org. Open the link in this browser, or type the code here.'],
    fields: [{ name: 'code', label: 'Six-digit code', type: 'code', required: true, maxLength: 6 }],
    submit: 'Sign in',
    also: [{ label: 'Send a new code', name: 'again', value: '1' }],
  } as const
  const back = post('/interaction/u/back')
  return [
    sample('step', 'step', { ...post('/interaction/u/m/email'), form: code, instance: 'E-mail', client, back }),
    sample('step-error', 'step', {
      ...post('/interaction/u/m/email'),
      form: {
        ...code,
        fields: [{ ...code.fields[0], value: '123456', hint: 'It is good for ten minutes.' }],
        error: 'This code is not right. You have two tries left.',
      },
      instance: 'E-mail',
      back,
    }),
    sample('step-fields', 'step', {
      ...post('/interaction/u/m/own'),
      form: {
        fields: [
          {
            name: 'place',
            label: 'Your institute',
            type: 'select',
            value: 'b',
            options: [
              { value: 'a', label: 'Institute A' },
              { value: 'b', label: 'Institute B' },
            ],
          },
          {
            name: 'agree',
            label: 'I have read the rules of the house',
            type: 'checkbox',
            hint: 'They are on the notice board.',
            required: true,
          },
          { name: 'secret', label: 'Pass phrase', type: 'password' },
          { name: 'state', label: '', type: 'hidden', value: 'x' },
        ],
        submit: 'Go on',
      },
      instance: 'Own plugin',
    }),
    sample('page', 'page', {
      page: {
        title: 'Sign in to Northfield Lab?',
        text: ['You opened the link of a sign-in mail. Press the button to go on.'],
        tone: 'info',
        form: { fields: [], submit: 'Sign me in' },
      },
      post: post('/sign-in/email/visit'),
    }),
    sample('page-link', 'page', {
      page: {
        title: 'Terms of use',
        text: ['“Hemibrain” can be seen by those who accept its terms of use: “Cite us”.'],
        tone: 'info',
        link: { label: 'Read “Cite us”', href: 'https://labgate.example.org/terms/for/ngauth?terms=cite' },
        form: { fields: [], submit: 'Go on without these data' },
      },
      post: post('/ngauth/terms'),
    }),
    sample('page-key', 'page', {
      page: {
        title: 'Your key for datalab',
        text: [
          'datalab knows you by a key of your own. Enter it once: it is kept sealed, never shown again, and sent to datalab alone, with your requests.',
          'You entered a key on 2026-02-01. It is kept until 2027-02-01.',
        ],
        form: {
          fields: [
            {
              name: 'key',
              type: 'password',
              label: 'Key',
              autocomplete: 'off',
              hint: 'On your account page at datalab.',
            },
          ],
          submit: 'Replace the key',
          also: [{ label: 'Remove the key', name: 'remove', value: 'yes' }],
          error: 'A key has 1 to 1024 letters, digits and signs, and no spaces.',
        },
      },
      post: post('/gateway/key'),
    }),
    sample('page-refused', 'page', {
      page: {
        title: 'This is not open to you',
        text: [
          'You may not do this with the dataset “fish”: “edit” is needed.',
          'Code for whoever looks after this site: V1pqjQbhXWcHQAHy',
        ],
        tone: 'warning',
        link: { label: 'See what you may do, and ask for more', href: 'https://labgate.example.org/account/access' },
      },
    }),
    sample('page-message', 'page', {
      page: {
        title: 'You are signed in',
        text: ['You can close this window. If Neuroglancer still waits, press Retry there.'],
        tone: 'success',
        message: { data: { token: 'a"><script>alert(1)</script>' }, origins: ['https://viewer.example.org'] },
      },
    }),
    sample('page-text', 'page', {
      page: { title: 'This link is over', text: ['It was used already.'], tone: 'warning' },
    }),
  ]
}

function decisions(): readonly Sample[] {
  return [
    sample('continue-as', 'continue-as', {
      account: alice,
      client,
      go: post('/interaction/u/continue-as'),
      switch: post('/interaction/u/switch'),
    }),
    sample('consent', 'consent', {
      ...post('/interaction/u/consent'),
      client,
      account: alice,
      scopes: [
        { name: 'openid', title: 'Who you are', claims: [{ claim: 'sub', preview: 'usr_7Q2m9' }], optional: false },
        {
          name: 'email',
          title: 'Your e-mail address',
          description: 'So that it can write to you.',
          claims: [
            { claim: 'email', preview: 'alice@example.org' },
            { claim: 'email_verified', preview: 'yes' },
          ],
          optional: true,
        },
        {
          name: 'research',
          title: 'Your research ids',
          claims: [
            { claim: 'orcid', preview: undefined },
            { claim: 'https://example.org/claims/a-very-long-claim-name-of-the-deployer', preview: 'x'.repeat(80) },
          ],
          optional: true,
        },
      ],
      cancel: post('/interaction/u/cancel'),
    }),
    sample('link-or-new', 'link-or-new', {
      instance: 'GitHub',
      email: 'alice@example.org',
      existing: [{ ...post('/interaction/u/join/email'), label: 'Sign in with E-mail' }],
      fresh: post('/interaction/u/fresh'),
      cancel: post('/interaction/u/back'),
    }),
    sample('device', 'device', { ...post('/oidc/device'), code: 'WDJB-MJHT' }),
    sample('device-trouble', 'device', {
      ...post('/oidc/device'),
      error: 'There is no such code, or it was used, or it is too old. Start again on the device.',
    }),
    sample('device-confirm', 'device-confirm', {
      client,
      code: 'WDJB-MJHT',
      account: alice,
      place: { address: '192.0.2.7', device: 'Firefox · Linux' },
      allow: post('/oidc/device'),
      decline: post('/oidc/device'),
    }),
    sample('sign-out-confirm', 'sign-out-confirm', {
      ...post('/oidc/logout/confirm'),
      fields: { xsrf: 'sample', logout: 'yes' },
      client,
      account: alice,
      stay: post('/oidc/logout/confirm'),
    }),
    signedIn(sample('first-admin', 'first-admin', { ...post('/account/first-admin'), account: alice })),
    signedIn(
      sample('first-admin-error', 'first-admin', { ...post('/account/first-admin'), error: 'That is not the code.' }),
    ),
  ]
}

const termsText = `# What this is about

The volumes of *Fish Two* were imaged by the people of **Northfield Lab**. See [how they were made](https://lab.example.org/fish).

## What you promise

1. You do not hand the data on.
2. You name us: write to <mailto:data@lab.example.org>.
   - in papers
   - on posters

> Nobody is a number, not even a fish.

| Part | Until |
| :--- | ---: |
| Images | 2031 |
| Traces, ${'with a very long word '.repeat(6)}${'W'.repeat(90)} | for ever |

\`\`\`
a line of code that is much longer than any telephone is wide, and must not widen the page
\`\`\`

---

${'Whoever reads terms to their end is kind. '.repeat(20)}
`

function terms(): readonly Sample[] {
  const document = { now, title: 'Terms of Fish Two', markdown: termsText, number: 3, publishedAt: ago(60 * 24 * 20) }
  const accept = { ...post('/interaction/u/terms'), fields: { terms: 'fish-terms', digest: 'sample' } }
  return [
    sample('terms', 'terms', { ...document, client, left: 2, accept, decline: post('/interaction/u/cancel') }),
    signedIn(
      sample('terms-changed', 'terms', {
        ...document,
        message: { tone: 'warning', text: 'The text was changed while you read it. This is the new one.' },
        dataset: 'Fish Two',
        gives: 'edit',
        accept,
        leave: '/account/access',
      }),
    ),
    signedIn(sample('terms-accepted', 'terms', { ...document, acceptedAt: ago(60 * 5), leave: '/account/access' })),
    signedIn(sample('terms-retired', 'terms', { ...document, retired: true, leave: '/account/access' })),
    signedIn(
      sample('terms-done', 'terms-done', {
        now,
        title: 'Terms of Fish Two',
        acceptedAt: ago(0),
        dataset: 'Fish Two',
        level: 'edit',
        more: [{ title: 'Rules of the house', href: '/terms/house' }],
        next: { href: 'https://atlas.example.org/', label: 'Neuron Atlas' },
      }),
    ),
    signedIn(
      sample('terms-done-plain', 'terms-done', {
        now,
        title: 'Rules of the house',
        acceptedAt: ago(1),
        more: [],
        next: { href: '/account/access' },
      }),
    ),
  ]
}

function endings(): readonly Sample[] {
  return [
    sample('error', 'error', {
      code: 'ERR_LOGIN_EXPIRED',
      requestId: '01JNRXF0S6',
      message: 'More than ten minutes went by between your click and your return.',
      restart: { href: '/account' },
    }),
    sample('error-internal', 'error', { code: 'ERR_INTERNAL', requestId: '01JNRXF0S6', retryAfterSeconds: 120 }),
    sample('waiting', 'waiting', {
      account: alice,
      client,
      contact: 'help@lab.example.org',
      signOut: post('/account/sign-out'),
    }),
    sample('invited', 'invited', {
      now,
      invitedBy: 'Bo Lindqvist',
      role: 'admin',
      groups: ['Imaging', 'Fly connectome'],
      note: 'Welcome to the lab! <b>See you on Monday.</b>',
      endsAt: new Date(now.getTime() + 14 * 86_400_000),
      onlyFor: 'alice@example.org',
      accept: post('/invited/sample'),
    }),
    sample('invited-signed-in', 'invited', {
      now,
      role: 'user',
      groups: [],
      note: '',
      endsAt: new Date(now.getTime() + 86_400_000),
      signedIn: alice,
      accept: post('/invited/sample'),
    }),
    sample('refused', 'refused', {
      instance: 'GitHub',
      reason:
        'GitHub says that your address is alice@elsewhere.example, and only people of Northfield may come in this way.',
      rule: 'E-mail address at northfield.example.org, or member of the organisation northfield-lab',
      contact: 'https://lab.example.org/contact',
      code: 'ERR_ADMISSION',
      requestId: '01JNRXF0S6',
      tryOther: '/interaction/u',
    }),
    sample('signed-out', 'signed-out', {
      client,
      upstream: { label: 'Demo University', href: 'https://university.example.org/logout' },
      signIn: '/account',
    }),
    sample('wrong-host', 'wrong-host', { href: 'http://localhost:8080/account', typed: '127.0.0.1:8080' }),
    sample('message', 'message', {
      title: 'Saved',
      text: ['Your name was changed.'],
      tone: 'success',
      link: { label: 'Back to your account', href: '/account' },
    }),
  ]
}

function ownPages(): readonly Sample[] {
  return [
    sample('home', 'home', {
      links: [{ href: 'https://atlas.example.org/', label: 'Neuron Atlas', text: 'Look at the brain of a fly' }],
    }),
    signedIn(sample('home-signed-in', 'home', { description: 'The doors of Northfield Lab.', links: [] })),
    signedIn(sample('account', 'account', accountData())),
    signedIn(sample('account-new', 'account', { ...accountData(), consents: [], linkable: [], message: undefined })),
  ]
}

function accountData(): Views['account'] {
  return {
    now,
    message: { tone: 'success', text: 'GitHub now opens this account.' },
    account: {
      displayName: alice.displayName,
      username: 'alice',
      email: alice.email,
      emailVerified: true,
      role: 'admin',
    },
    rename: post('/account/name'),
    answers: {
      href: '/account/profile',
      isDue: true,
      list: [
        { label: 'Which lab do you work in?', value: 'Optics workshop' },
        { label: 'Where is your desk?', value: undefined },
      ],
    },
    identities: [
      {
        instance: 'E-mail',
        subject: alice.email,
        lastSeen: ago(3),
        reason: 'It is the only way that is left to write to you.',
      },
      {
        instance: 'GitHub',
        icon: methods.github.icon,
        subject: 'alice-n',
        lastSeen: ago(60 * 30),
        unlink: post('/account/identities/2/unlink'),
      },
    ],
    linkable: [{ ...post('/account/link/orcid'), label: 'ORCID', icon: methods.orcid.icon }],
    sessions: [
      {
        handle: 'a',
        current: true,
        device: 'Firefox on Linux',
        address: '192.0.2.17',
        since: ago(300),
        lastSeen: ago(0),
        revoke: post('/account/sessions/a'),
      },
      {
        handle: 'b',
        current: false,
        device: 'Safari on iPhone',
        address: '2001:db8:85a3::8a2e:370:7334',
        since: ago(60 * 24 * 12),
        lastSeen: ago(60 * 50),
        revoke: post('/account/sessions/b'),
      },
    ],
    consents: [
      {
        client,
        scopes: ['Who you are', 'Your e-mail address'],
        since: ago(60 * 24 * 40),
        revoke: post('/account/consents/1'),
      },
    ],
    signOut: post('/account/sign-out'),
    signOutEverywhere: post('/account/sign-out-everywhere'),
  }
}
