/** Sample data for the pages on which a way to sign in is tried out. @module */
import type { Views } from '../../core/pages/views.ts'
import type { SandboxSeenView } from '../../core/pages/views-sandbox.ts'

type Name = 'console-sandbox' | 'console-sandbox-seen'

/** One page. */
export type SandboxSample = {
  readonly [V in Name]: {
    readonly name: string
    readonly view: V
    readonly data: Views[V]
    readonly signedIn: boolean
  }
}[Name]

const now = new Date('2026-03-04T10:30:00Z')
const post = (action: string) => ({ action, csrf: 'sample-csrf' })
const frame = {
  now,
  nav: ['start', 'people', 'audit', 'explain', 'sandbox'].map((name) => ({
    name,
    href: name === 'start' ? '/console' : `/console/${name}`,
    current: name === 'sandbox',
  })),
}

const university: SandboxSeenView = {
  frame,
  instance: { id: 'university', label: 'Demo University', realm: 'university' },
  issuer: 'https://login.university.example',
  subject: '248289761001-with-a-very-long-subject-that-an-upstream-might-well-think-of-one-day',
  at: now,
  amr: ['pwd', 'mfa'],
  keeps: true,
  facts: [
    { claim: 'name', value: 'Ada Lovelace', kind: 'asserted' },
    { claim: 'email', value: 'ada@university.example', kind: 'verified' },
    { claim: 'nickname', value: 'Countess', kind: 'self' },
    { claim: 'groups', value: '["imaging","staff"]', kind: 'asserted' },
  ],
  groups: [
    { kind: 'mapped', name: 'imaging', slug: 'imaging-core' },
    { kind: 'named', name: 'staff', slug: 'university:staff' },
    { kind: 'left', name: '{"id":7}' },
  ],
  allowed: true,
  reasons: [{ kind: 'rule-holds', value: 'a verified e-mail address at university.example' }],
  opens: { kind: 'another', who: { name: 'Ada Lovelace', username: 'ada' }, state: 'pending' },
}

/** The way out of a long list, a yes, and a no. */
export function sandboxSamples(): SandboxSample[] {
  const ways = ['Demo University', 'E-mail', 'LabArchives'].map((label) => ({
    ...post(`/console/sandbox/m/${label.toLowerCase().replace(' ', '-')}`),
    label,
  }))
  const message = { tone: 'warning', text: 'You did not sign in: the request was turned down.' } as const
  const no: SandboxSeenView = {
    ...university,
    facts: [],
    groups: [],
    amr: [],
    acr: 'urn:example:loa:2',
    keeps: false,
    allowed: false,
    reasons: [{ kind: 'no-rule' }, { kind: 'closed' }],
    opens: { kind: 'nobody' },
  }
  return [
    { name: 'sandbox', view: 'console-sandbox', data: { frame, ways }, signedIn: true },
    { name: 'sandbox-none', view: 'console-sandbox', data: { frame: { ...frame, message }, ways: [] }, signedIn: true },
    { name: 'sandbox-seen', view: 'console-sandbox-seen', data: university, signedIn: true },
    { name: 'sandbox-seen-no', view: 'console-sandbox-seen', data: no, signedIn: true },
    {
      name: 'sandbox-seen-new',
      view: 'console-sandbox-seen',
      data: {
        ...university,
        reasons: [{ kind: 'no-rule' }, { kind: 'waits' }, { kind: 'named-admin' }],
        opens: { kind: 'new', state: 'active', role: 'admin' },
      },
      signedIn: true,
    },
  ]
}
