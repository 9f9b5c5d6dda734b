/** Sample data for the console's rooms for accounts. @module */
import type { Views } from '../../core/pages/views.ts'
import type { AccountConsoleViews } from '../../core/pages/views-console-accounts.ts'

type Name = keyof AccountConsoleViews

/** One page. */
export type AccountSample = {
  readonly [V in Name]: {
    readonly name: string
    readonly view: V
    readonly data: Views[V]
    readonly signedIn: boolean
  }
}[Name]

const now = new Date('2026-03-04T10:30:00Z')
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000)
const post = (action: string) => ({ action, csrf: 'sample-csrf' })
const rooms = ['start', 'datasets', 'requests', 'people', 'waiting', 'invitations', 'groups', 'tokens', 'audit']

function frame(current: string) {
  return {
    now,
    nav: rooms.map((name) => ({
      name,
      href: name === 'start' ? '/console' : `/console/${name}`,
      current: name === current,
      ...(name === 'waiting' ? { waiting: 4 } : {}),
    })),
  }
}

function sample<V extends Name>(name: string, view: V, data: Views[V]): AccountSample {
  // Name and data belong to one view by the signature.
  return { name, view, data, signedIn: true } as unknown as AccountSample
}

const at = '/console/people/JmS0m3R4nd0mAccountId1'
const maria = { id: 'JmS0m3R4nd0mAccountId1', name: 'Maria Sibylla Merian', username: 'maria' }
const anna = { id: 'KmS0m3R4nd0mAccountId2', name: 'Anna Atkins', username: 'anna' }
const long = 'a.name.as.long.as.some.are.and.then.some@botany.department.university.example.org'

/** Every page of these rooms, full and empty, fresh and after an error. */
export function accountSamples(): readonly AccountSample[] {
  return [...people(), ...person(), ...life(), ...waiting(), ...invitations()]
}

function people(): readonly AccountSample[] {
  const filter = { state: '', role: '', kind: '' }
  const one = { displayName: maria.name, username: 'maria', isService: false, href: at }
  return [
    sample('console-people', 'console-people', {
      frame: frame('people'),
      paging: { search: '', shown: 4, total: 100_214, next: '/console/people?after=nightly' },
      filter,
      people: [
        { ...one, id: '1', email: 'maria@example.org', state: 'active', role: 'admin', lastSignIn: daysAgo(0.1) },
        { ...one, id: '2', displayName: 'Anna', username: 'anna', email: long, state: 'deactivated', role: 'user' },
        { ...one, id: '3', displayName: 'New', username: 'new-person', state: 'pending', role: 'user' },
        {
          id: '4',
          displayName: 'Nightly job',
          username: 'nightly',
          state: 'active',
          role: 'user',
          isService: true,
          href: '/console/service-accounts/4',
        },
      ],
    }),
    sample('console-people-none', 'console-people', {
      frame: { ...frame('people'), signInAgain: '/console/fresh?back=%2Fconsole%2Fpeople' },
      paging: { search: 'nobody like this', shown: 0, total: 0 },
      filter: { state: 'shut', role: 'admin', kind: 'person' },
      people: [],
    }),
  ]
}

const history = [
  {
    id: 3,
    at: daysAgo(0.1),
    type: 'sign-in.done',
    actor: maria,
    account: maria,
    address: '192.0.2.17',
    requestId: '01JNRXF0S6',
    about: [{ name: 'instance', value: 'github' }],
    changes: [],
  },
  {
    id: 2,
    at: daysAgo(3),
    type: 'account.role-changed',
    actor: anna,
    account: maria,
    about: [],
    changes: [{ name: 'value', before: 'user', after: 'admin' }],
  },
]

function person(): readonly AccountSample[] {
  const account = {
    ...{ id: maria.id, displayName: maria.name, username: 'maria', email: 'maria@example.org', emailVerified: true },
    ...({ state: 'active', role: 'admin', createdAt: daysAgo(420), lastSignIn: daysAgo(0.1) } as const),
  }
  const issuer = 'https://university.example/realms/everybody'
  const bare = { facts: [], identities: [], sessions: [], groups: [], links: [], history: [], typed: {} }
  return [
    sample('console-person', 'console-person', {
      frame: { ...frame('people'), message: { tone: 'success', text: 'The role was changed.' } },
      account,
      turn: { ...post(`${at}/state`), fields: { state: 'deactivated' }, to: 'deactivated' },
      setRole: post(`${at}/role`),
      facts: [
        { claim: 'email', value: 'maria@example.org', trust: 'verified', source: 'GitHub', at: daysAgo(0.1) },
        { claim: 'groups', value: 'staff, faculty', trust: 'asserted', source: 'University', at: daysAgo(12) },
        { claim: 'lab', value: 'x'.repeat(140), trust: 'self', source: 'Their own answer', at: daysAgo(90) },
      ],
      identities: [
        {
          method: 'GitHub',
          issuer: 'https://github.com',
          subject: '5550123',
          lastSeen: daysAgo(0.1),
          unlink: post(`${at}/identities/1/unlink`),
        },
        { method: 'University', issuer, subject: `${'0'.repeat(60)}@university.example`, lastSeen: daysAgo(12) },
      ],
      sessions: [
        {
          device: 'Firefox · Linux',
          address: '192.0.2.17',
          method: 'GitHub',
          since: daysAgo(3),
          lastSeen: daysAgo(0.1),
          end: post(`${at}/sessions/1/end`),
        },
      ],
      signOut: post(`${at}/sign-out`),
      groups: [
        {
          slug: 'tracers',
          title: 'Tracers of the fish brain',
          source: 'Somebody here',
          since: daysAgo(200),
          remove: post(`${at}/groups/tracers/remove`),
        },
        { slug: 'github:lab-org/imaging', title: 'lab-org/imaging', source: 'GitHub', since: daysAgo(400) },
      ],
      addGroup: post(`${at}/groups`),
      links: [
        { name: 'grants', count: 12, href: '/console/grants?subject=1' },
        { name: 'tokens', count: 3, href: '/console/tokens?search=maria' },
        { name: 'services', count: 1, href: '/console/service-accounts' },
      ],
      history,
      historyAt: `${at}/history`,
      mergeAt: `${at}/merge`,
      exportIt: post(`${at}/export`),
      erase: post(`${at}/erase`),
      typed: {},
    }),
    sample('console-person-waiting', 'console-person', {
      frame: { ...frame('people'), message: { tone: 'error', text: 'There is no group “trcers”.' } },
      account: { ...account, email: undefined, emailVerified: false, state: 'pending', role: 'user' },
      waiting: '/console/waiting/JmS0m3R4nd0mAccountId1',
      setRole: post(`${at}/role`),
      ...bare,
      addGroup: post(`${at}/groups`),
      historyAt: `${at}/history`,
      typed: { group: 'trcers', role: 'manager' },
    }),
    sample('console-person-off', 'console-person', {
      frame: frame('people'),
      account: { ...account, state: 'deactivated', emailVerified: false },
      turn: { ...post(`${at}/state`), fields: { state: 'active' }, to: 'active' },
      ...bare,
      historyAt: `${at}/history`,
    }),
    sample('console-person-erased', 'console-person', {
      frame: frame('people'),
      account: {
        ...{ id: maria.id, displayName: '', username: 'erased-6f2a90', emailVerified: false, role: 'user' },
        ...{ state: 'erased', createdAt: daysAgo(420), erasedAt: daysAgo(2) },
        mergedInto: { ...anna, href: '/console/people/2' },
      },
      ...bare,
      history,
      historyAt: `${at}/history`,
    }),
  ]
}

function life(): readonly AccountSample[] {
  const from = { ...maria, href: at }
  const into = { ...anna, href: '/console/people/KmS0m3R4nd0mAccountId2' }
  return [
    sample('console-person-history', 'console-person-history', {
      frame: frame('people'),
      person: { name: maria.name, href: at },
      lines: history,
      first: `${at}/history`,
      next: `${at}/history?after=2`,
    }),
    sample('console-person-history-none', 'console-person-history', {
      frame: frame('people'),
      person: { name: maria.name, href: at },
      lines: [],
    }),
    sample('console-person-merge', 'console-person-merge', {
      frame: frame('people'),
      from,
      word: 'anna',
      into,
      moves: [
        { name: 'identities', items: ['GitHub 5550123', `University ${'0'.repeat(80)}`] },
        { name: 'grants', items: ['fish2 edit', 'fly v1 view'] },
        { name: 'groups', items: ['tracers'] },
      ],
      stays: [{ name: 'role', items: ['Administrator'] }],
      ends: [],
      post: { ...post(`${at}/merge`), fields: { into: anna.id } },
    }),
    sample('console-person-merge-refused', 'console-person-merge', {
      frame: frame('people'),
      from,
      word: 'anna',
      into,
      ...{ moves: [], stays: [], ends: [] },
      refused: 'One of these accounts was merged into another already.',
    }),
    sample('console-person-merge-unknown', 'console-person-merge', {
      frame: { ...frame('people'), message: { tone: 'error', text: 'Nobody here is known as “ana”.' } },
      from,
      word: 'ana',
      ...{ moves: [], stays: [], ends: [] },
    }),
  ]
}

function waiting(): readonly AccountSample[] {
  const base = '/console/waiting'
  const line = {
    who: anna,
    email: 'anna@example.org',
    emailVerified: true,
    since: daysAgo(2),
    signIns: [
      {
        method: 'University',
        subject: 'anna@university.example',
        at: daysAgo(1),
        facts: [
          { claim: 'email', value: 'anna@example.org', trust: 'verified' },
          { claim: 'name', value: 'Anna Atkins', trust: 'asserted' },
        ],
      },
    ],
  } as const
  const nameless = { who: { id: 'x' }, emailVerified: false, since: daysAgo(1), signIns: [] }
  return [
    sample('console-waiting', 'console-waiting', {
      frame: { ...frame('waiting'), message: { tone: 'success', text: 'Ada may come in now.' } },
      paging: { search: '', shown: 2, total: 4, next: `${base}?after=1.x` },
      people: [
        { ...line, href: `${base}/1`, approve: post(`${base}/1/approve`) },
        { ...nameless, href: `${base}/x`, approve: post(`${base}/x/approve`) },
      ],
    }),
    sample('console-waiting-none', 'console-waiting', {
      frame: frame('waiting'),
      paging: { search: '', shown: 0, total: 0 },
      people: [],
    }),
    sample('console-waiting-one', 'console-waiting-one', {
      frame: frame('waiting'),
      person: line,
      href: '/console/people/1',
      groups: {
        offered: [
          { slug: 'tracers', title: 'Tracers of the fish brain', checked: true },
          { slug: 'sc', title: 'Steering committee', checked: false },
        ],
        more: true,
      },
      approve: post(`${base}/1/approve`),
      turnDown: post(`${base}/1/turn-down`),
      typed: { note: 'Welcome!', groups: 'interns' },
    }),
  ]
}

function invitations(): readonly AccountSample[] {
  const base = '/console/invitations'
  const one = { role: 'user', note: '', by: maria, at: daysAgo(3), endsAt: daysAgo(-11), groups: [] } as const
  const posts = { resend: post(`${base}/1/send`), end: post(`${base}/1/end`) }
  return [
    sample('console-invitations', 'console-invitations', {
      frame: frame('invitations'),
      paging: { search: '', shown: 4, total: 40, next: `${base}?after=1.x` },
      state: '',
      invitations: [
        { ...one, id: '1', email: long, state: 'open', groups: ['tracers', 'interns'], note: 'Hello!', ...posts },
        { ...one, id: '2', email: 'anna@example.org', state: 'accepted', role: 'admin', acceptedBy: anna },
        { ...one, id: '3', email: 'late@example.org', state: 'over', by: { id: 'labgate account' }, ...posts },
        { ...one, id: '4', email: 'gone@example.org', state: 'ended' },
      ],
    }),
    sample('console-invitations-unsent', 'console-invitations', {
      frame: frame('invitations'),
      paging: { search: 'x', shown: 0, total: 0 },
      state: 'open',
      invitations: [],
      made: { email: 'anna@example.org', link: `https://id.example.org/invited/${'sample'.repeat(7)}` },
    }),
    sample('console-invitation-new', 'console-invitation-new', {
      frame: { ...frame('invitations'), message: { tone: 'error', text: 'This is not one plain e-mail address.' } },
      post: post(`${base}/new`),
      roles: ['user', 'manager', 'admin'],
      groups: { offered: [{ slug: 'tracers', title: 'Tracers', checked: false }], more: false },
      typed: { email: 'anna at example', days: '30' },
    }),
    sample('console-invitation-new-manager', 'console-invitation-new', {
      frame: frame('invitations'),
      post: post(`${base}/new`),
      roles: ['user'],
      groups: { offered: [], more: true },
      typed: {},
    }),
  ]
}
