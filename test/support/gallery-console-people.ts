/** Sample data for the console's rooms for people, and for a person's own tokens. @module */
import { presetRecipe } from '../../core/oidc/client-presets.ts'
import { presetNames } from '../../core/oidc/client-recipes.ts'
import type { Views } from '../../core/pages/views.ts'

type Name = Extract<
  keyof Views,
  | `console-group${string}`
  | `console-terms${string}`
  | `console-service-account${string}`
  | `console-tokens`
  | 'console-clients'
  | `console-client-${string}`
  | `console-audit`
  | 'tokens'
>

/** One page. */
export type PeopleSample = {
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
const rooms = [
  'start',
  'datasets',
  'grants',
  'requests',
  'groups',
  'terms',
  'service-accounts',
  'tokens',
  'clients',
  'audit',
  'explain',
]

function frame(current: string) {
  return {
    now,
    nav: rooms.map((name) => ({
      name,
      href: name === 'start' ? '/console' : `/console/${name}`,
      current: name === current,
      ...(name === 'requests' ? { waiting: 3 } : {}),
    })),
  }
}

function sample<V extends Name>(name: string, view: V, data: Views[V]): PeopleSample {
  // Name and data belong to one view by the signature.
  return { name, view, data, signedIn: true } as unknown as PeopleSample
}

const maria = { id: 'JmS0m3R4nd0mAccountId1', name: 'Maria Sibylla Merian', username: 'maria' }
const anna = { id: 'KmS0m3R4nd0mAccountId2', name: 'Anna Atkins', username: 'anna' }
const gone = { id: 'LmS0m3R4nd0mAccountId3' }

/** Every page of these rooms, full and empty, fresh and after an error. */
export function peopleSamples(): readonly PeopleSample[] {
  return [...groups(), ...terms(), ...serviceAccounts(), ...tokens(), ...audit()]
}

function groups(): readonly PeopleSample[] {
  const tracers = { slug: 'tracers', title: 'Tracers of the fish brain', memberCount: 214 }
  const at = '/console/groups/tracers'
  return [
    sample('console-groups', 'console-groups', {
      frame: { ...frame('groups'), message: { tone: 'success', text: 'The group “Interns” was added.' } },
      paging: { search: '', shown: 3, total: 58, next: '/console/groups?after=sc' },
      groups: [
        tracers,
        { slug: 'sc', title: 'Steering committee', memberCount: 5, keeper: 'The config file' },
        { slug: 'github:lab-org/imaging', title: 'lab-org/imaging', memberCount: 12, keeper: 'The sign-in GitHub' },
      ],
      isNewOffered: true,
    }),
    sample('console-groups-empty', 'console-groups', {
      frame: { ...frame('groups'), signInAgain: '/console/fresh?back=%2Fconsole%2Fgroups' },
      paging: { search: 'nothing like it', shown: 0, total: 0 },
      groups: [],
      isNewOffered: false,
    }),
    sample('console-group-new', 'console-group-new', {
      frame: { ...frame('groups'), message: { tone: 'error', text: 'There is a group “tracers” already.' } },
      post: post('/console/groups/new'),
      typed: { slug: 'tracers', title: 'Tracers', description: 'People who trace.' },
    }),
    sample('console-group', 'console-group', {
      frame: frame('groups'),
      group: { ...tracers, description: 'Everybody who traces neurons in the fish brain.\nAsk Maria to join.' },
      paging: { search: '', shown: 2, total: 214, next: `${at}?after=maria` },
      members: [
        {
          ...maria,
          email: 'maria@example.org',
          state: 'active',
          isService: false,
          isManager: true,
          sources: ['Somebody here'],
          since: daysAgo(400),
          remove: post(`${at}/members/1/remove`),
        },
        {
          ...anna,
          email: 'anna.atkins.with.a.long.address@botany.example.org',
          state: 'deactivated',
          isService: false,
          isManager: false,
          sources: ['Somebody here', 'GitHub'],
          since: daysAgo(2),
        },
        {
          id: 'x',
          name: 'Nightly job',
          username: 'nightly',
          state: 'active',
          isService: true,
          isManager: false,
          sources: ['The config file'],
          since: daysAgo(30),
        },
      ],
      managers: [{ ...maria, remove: post(`${at}/managers/1/remove`) }, gone],
      addMember: post(`${at}/members`),
      addManager: post(`${at}/managers`),
      change: post(`${at}/change`),
      remove: post(`${at}/remove`),
      typed: {},
    }),
    sample('console-group-kept', 'console-group', {
      frame: frame('groups'),
      group: {
        slug: 'github:lab-org/imaging',
        title: 'lab-org/imaging',
        memberCount: 0,
        description: '',
        keeper: 'The sign-in GitHub',
      },
      paging: { search: '', shown: 0, total: 0 },
      members: [],
      managers: [],
      typed: {},
    }),
  ]
}

const markdown = `# What you agree to

You may **look**, and you may not *share*.

- Name the lab in every paper.
- Ask before you copy: [how to](https://lab.example.org/how).
`

function terms(): readonly PeopleSample[] {
  const at = '/console/terms/fish-use'
  const line = {
    id: 'fish-use',
    title: 'How the fish data may be used',
    dataset: 'fish2',
    version: 'v1.2',
    services: ['atlas'],
    number: 3,
    isRetired: false,
  }
  const one: Views['console-terms-one'] = {
    frame: frame('terms'),
    terms: {
      ...line,
      requiredNumber: 2,
      markdown,
      isOfConfig: false,
      acceptAt: 'https://gate.example.org/terms/fish-use',
    },
    texts: [
      { number: 3, digest: 'ab'.repeat(32), by: maria, at: daysAgo(3), counts: true },
      { number: 1, digest: '0f'.repeat(32), by: { id: 'config' }, at: daysAgo(300), counts: false },
    ],
    publish: post(`${at}/publish`),
    change: post(`${at}/change`),
    services: ['atlas', 'neuroglancer'],
    retire: post(`${at}/retire`),
    paging: { search: '', shown: 2, total: 1204, next: `${at}?after=2` },
    acceptances: [
      { ...anna, number: 3, at: daysAgo(1), address: '2001:db8:85a3::8a2e:370:7334', counts: true },
      { ...gone, number: 1, at: daysAgo(290), address: undefined, counts: false },
    ],
    csv: `${at}/acceptances.csv`,
    invitations: [
      {
        id: 'aB3',
        level: 'view',
        by: maria,
        at: daysAgo(1),
        endsAt: daysAgo(-20),
        seats: 30,
        used: 12,
        state: 'open',
        end: post(`${at}/invitations/aB3/end`),
      },
      {
        id: 'aB4',
        level: undefined,
        by: anna,
        at: daysAgo(40),
        endsAt: undefined,
        seats: undefined,
        used: 3,
        state: 'ended',
      },
    ],
    invite: { ...post(`${at}/invite`), levels: ['view', 'edit', 'manage'] },
    typed: {},
  }
  return [
    sample('console-terms', 'console-terms', {
      frame: frame('terms'),
      paging: { search: '', shown: 3, total: 3 },
      terms: [
        line,
        {
          id: 'site',
          title: 'Rules of the house',
          dataset: undefined,
          version: undefined,
          services: ['atlas', 'neuroglancer'],
          number: 1,
          isRetired: false,
        },
        { id: 'old', title: 'Old rules', dataset: 'fly', version: undefined, services: [], number: 7, isRetired: true },
      ],
    }),
    sample('console-terms-new', 'console-terms-new', {
      frame: frame('terms'),
      post: post('/console/terms/new'),
      typed: { title: 'How the fish data may be used', id: 'fish-use', markdown, 'service:atlas': 'on' },
      datasets: undefined,
      services: ['atlas', 'neuroglancer'],
      preview: markdown,
    }),
    sample('console-terms-new-own', 'console-terms-new', {
      frame: { ...frame('terms'), message: { tone: 'error', text: 'Terms need a text.' } },
      post: post('/console/terms/new'),
      typed: {},
      datasets: ['fish2', 'fly'],
      services: [],
    }),
    sample('console-terms-one', 'console-terms-one', one),
    sample('console-terms-made', 'console-terms-one', {
      ...one,
      made: 'https://gate.example.org/terms/invited/sample-sample-sample-sample-sample-sample-s',
      acceptances: [],
      invitations: [],
      typed: { markdown: 'Another *text*.', again: 'accept', seats: '30' },
      preview: 'Another *text*.',
    }),
    sample('console-terms-config', 'console-terms-one', {
      ...one,
      terms: { ...one.terms, isOfConfig: true, isRetired: true },
      publish: undefined,
      change: undefined,
      retire: undefined,
      invite: undefined,
    }),
  ]
}

const make = {
  ...post('/account/tokens'),
  scopes: [
    { name: 'datastack:read', description: 'Read what you may see.', checked: true },
    { name: 'admin', description: 'Read and change everything you may look after, by the admin API.', checked: false },
  ],
  lives: [7, 30, 90, 180, 366],
  typed: { days: '90' },
}
const used = {
  id: 'token-1',
  name: 'Notebook on the cluster',
  hint: 'lgp_4fX2',
  scopes: ['admin', 'datastack:read'],
  at: daysAgo(20),
  expiresAt: daysAgo(-70),
  lastUsedAt: daysAgo(0.1),
  lastUsedAddress: '192.0.2.17',
  state: 'active',
  revoke: post('/account/tokens/token-1/revoke'),
} as const
const old = {
  id: 'token-2',
  name: 'Old laptop',
  hint: 'lgp_9aQ7',
  scopes: [],
  at: daysAgo(200),
  expiresAt: daysAgo(110),
  lastUsedAt: undefined,
  lastUsedAddress: undefined,
  state: 'expired',
} as const
const value = 'lgp_samplesamplesamplesamplesamplesamplesa'

function tokens(): readonly PeopleSample[] {
  const paging = { search: '', shown: 2, total: 2 }
  return [
    sample('tokens', 'tokens', { now, tokens: [used, old], paging, make, signInAgain: false }),
    sample('tokens-made', 'tokens', {
      now,
      tokens: [used],
      paging: { ...paging, total: 80, next: '/account/tokens?after=1.x' },
      make,
      made: { name: used.name, value },
      signInAgain: false,
    }),
    sample('tokens-stale', 'tokens', {
      now,
      message: { tone: 'success', text: 'The token “Old laptop” works no more.' },
      tokens: [],
      paging: { search: '', shown: 0, total: 0 },
      make,
      signInAgain: true,
    }),
    sample('console-tokens', 'console-tokens', {
      frame: frame('tokens'),
      paging: { search: 'note', shown: 2, total: 812, next: '/console/tokens?after=1.x', first: '/console/tokens' },
      state: 'active',
      tokens: [
        { ...used, owner: maria },
        { ...old, expiresAt: undefined, state: 'revoked', owner: { ...anna, href: '/console/service-accounts/a' } },
        { ...old, id: 'token-3', owner: gone },
      ],
    }),
  ]
}

function serviceAccounts(): readonly PeopleSample[] {
  const base = '/console/service-accounts'
  const segbot = { id: 'MmS0m3R4nd0mAccountId4', username: 'segbot', displayName: 'Segmentation robot' }
  return [
    sample('console-clients', 'console-clients', {
      frame: frame('clients'),
      clients: [
        { id: 'wiki', name: 'Our wiki', source: 'config' },
        { id: 'hub', name: 'JupyterHub', source: 'database', remove: post('/console/clients/hub/remove') },
        {
          id: 'c2Vla2luZyBhIG5hbWU',
          name: 'A student’s plots',
          source: 'registered',
          endsAt: new Date('2026-05-04T10:30:00Z'),
          remove: post('/console/clients/c/remove'),
        },
      ],
      invitations: [
        {
          id: 'abc',
          note: 'Dana’s thesis',
          redirectHosts: ['app.example.org'],
          scopes: ['openid', 'email'],
          used: 0,
          uses: 1,
          endsAt: new Date('2026-03-11T10:30:00Z'),
          end: post('/console/clients/invitations/abc/end'),
        },
      ],
    }),
    sample('console-client-new', 'console-client-new', {
      frame: frame('clients'),
      post: post('/console/clients/new'),
      presets: presetNames.map((name) => ({ name, title: `${name}, a program`, text: 'With what it needs.' })),
      typed: {
        preset: 'grafana',
        url: 'https://plots.example.org',
        id: 'plots',
        redirectUri: 'https://plots.example.org/x',
      },
    }),
    sample('console-client-added', 'console-client-added', {
      frame: frame('clients'),
      ...{ id: 'plots', name: 'Grafana', file: 'grafana.ini', where: 'Paste it into grafana.ini.' },
      redirectUris: ['https://plots.example.org/login/generic_oauth'],
      returns: ['https://plots.example.org/login'],
      scopes: ['openid', 'profile', 'email', 'groups'],
      lines: presetRecipe('grafana', {
        ...{ issuer: 'https://id.example.org', site: 'Example Lab', id: 'plots', secret: 'SHOWN-ONCE' },
        url: 'https://plots.example.org',
      }).text,
    }),
    sample('console-service-accounts', 'console-service-accounts', {
      frame: frame('service-accounts'),
      paging: { search: '', shown: 2, total: 2 },
      accounts: [
        { ...segbot, state: 'active', parent: maria },
        { id: 'n', username: 'nightly', displayName: 'Nightly export', state: 'deactivated' },
      ],
    }),
    sample('console-service-account-new', 'console-service-account-new', {
      frame: { ...frame('service-accounts'), message: { tone: 'error', text: 'The username “segbot” is taken.' } },
      post: post(`${base}/new`),
      typed: { username: 'segbot', displayName: 'Segmentation robot', parent: 'maria' },
    }),
    sample('console-service-account', 'console-service-account', {
      frame: frame('service-accounts'),
      account: { ...segbot, state: 'active', description: 'Writes segmentations back.', createdAt: daysAgo(90) },
      parent: { ...maria, state: 'deactivated' },
      change: post(`${base}/m/change`),
      turn: { ...post(`${base}/m/state`), fields: { state: 'deactivated' } },
      paging: { search: '', shown: 1, total: 1 },
      tokens: [{ ...used, hint: 'lgs_4fX2', expiresAt: undefined }],
      make: { ...make, lives: [...make.lives, 0] },
      made: { name: 'cluster', value: value.replace('lgp', 'lgs') },
      typed: {},
    }),
    sample('console-service-account-off', 'console-service-account', {
      frame: frame('service-accounts'),
      account: { ...segbot, state: 'deactivated', description: '', createdAt: daysAgo(90) },
      change: post(`${base}/m/change`),
      turn: { ...post(`${base}/m/state`), fields: { state: 'active' } },
      paging: { search: '', shown: 0, total: 0 },
      tokens: [],
      make,
      typed: { displayName: 'Typed', days: '7' },
    }),
  ]
}

function audit(): readonly PeopleSample[] {
  const place = { address: '192.0.2.17', requestId: '01JNRXF0S6' }
  return [
    sample('console-audit', 'console-audit', {
      frame: frame('audit'),
      filter: { account: 'maria', type: 'grant.added', request: '' },
      types: ['sign-in.done', 'grant.added', 'group.changed'],
      lines: [
        {
          id: 4,
          at: daysAgo(0.01),
          type: 'group.changed',
          actor: maria,
          ...place,
          about: [{ name: 'group', value: 'tracers' }],
          changes: [{ name: 'title', before: 'Tracing', after: 'Tracers of the fish brain' }],
        },
        {
          id: 3,
          at: daysAgo(1),
          type: 'grant.added',
          actor: maria,
          account: anna,
          ...place,
          about: [
            { name: 'dataset', value: 'fish2' },
            { name: 'grant', value: '12' },
          ],
          changes: [
            { name: 'level', before: undefined, after: 'edit' },
            {
              name: 'conditions',
              before: undefined,
              after: `{"until":"2026-12-31T23:59:59.000Z","facts":"${'x'.repeat(120)}"}`,
            },
          ],
        },
        {
          id: 2,
          at: daysAgo(3),
          type: 'client.changed',
          actor: { id: 'labgate client' },
          client: 'atlas',
          about: [],
          changes: [],
        },
        { id: 1, at: daysAgo(30), type: 'sign-in.refused', ...place, about: [], changes: [] },
      ],
      first: '/console/audit?account=maria',
      next: '/console/audit?account=maria&after=1',
    }),
    sample('console-audit-empty', 'console-audit', {
      frame: frame('audit'),
      filter: { account: 'nobody', type: '', request: '' },
      types: ['sign-in.done'],
      lines: [],
    }),
  ]
}
