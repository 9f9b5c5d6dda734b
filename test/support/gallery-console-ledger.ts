/** Sample data for the console's first page and its rooms for the ledger. @module */
import type { Views } from '../../core/pages/views.ts'
import type { GrantLineView } from '../../core/pages/views-console-ledger.ts'

type Name = Extract<
  keyof Views,
  | 'console-home'
  | `console-dataset${string}`
  | 'console-roots'
  | `console-grant${string}`
  | 'console-requests'
  | 'console-explain'
>

/** One page. */
export type LedgerSample = {
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

function frame(current: string, more: Partial<Views['console-home']['frame']> = {}) {
  const rooms = ['start', 'datasets', 'grants', 'requests', 'terms', 'explain']
  return {
    now,
    nav: rooms.map((name) => ({
      name,
      href: name === 'start' ? '/console' : `/console/${name}`,
      current: name === current,
      ...(name === 'requests' ? { waiting: 3 } : {}),
    })),
    ...more,
  }
}

function sample<V extends Name>(name: string, view: V, data: Views[V]): LedgerSample {
  // Name and data belong to one view by the signature.
  return { name, view, data, signedIn: true } as unknown as LedgerSample
}

const maria = { label: 'Maria Sibylla Merian (maria)' }
const fish = { label: 'fish2', href: '/console/datasets/fish2' }
const field = (name: string, label: string) => ({ id: name, name, label, hint: 'A word of help.', plain: true })
const paging = {
  at: '/console/x',
  search: 'fish',
  shown: 2,
  total: 104_233,
  first: '/console/x',
  next: '/console/x?after=7',
}

const line: GrantLineView = {
  id: 7,
  href: '/console/grants/7',
  who: maria,
  kind: 'account',
  dataset: fish,
  version: undefined,
  level: 'edit',
  permission: undefined,
  conditions: [],
  state: 'current',
  ofConfig: false,
  at: daysAgo(3),
}
const conditional: GrantLineView = {
  ...line,
  id: 8,
  href: '/console/grants/8',
  who: { label: 'tracers', href: '/console/groups/tracers' },
  kind: 'group',
  version: 'v1',
  level: undefined,
  permission: 'segment',
  conditions: ['until 2030-01-31 12:00 UTC', 'affiliation is Northfield, as university says, seen within 365 days'],
  state: 'over',
  ofConfig: true,
}

const dataset: Views['console-dataset'] = {
  frame: frame('datasets', { message: { tone: 'success', text: 'Saved.' } }),
  dataset: {
    slug: 'fish2',
    title: 'Fish brain, second part',
    description: 'A whole larval brain.\nImaged in 2025.',
    isHidden: true,
    frozen: 'The scale is wrong.',
    aliases: ['fish-two'],
    versions: [
      { version: 'v1', title: 'First release', places: ['gs://lab-bucket/fish2/v1'] },
      { version: 'v2', title: '', places: [] },
    ],
    places: ['gs://lab-bucket/fish2'],
    tables: ['pychunkedgraph | fish2_v1'],
    ofConfig: false,
    createdAt: daysAgo(90),
    updatedAt: daysAgo(2),
  },
  admins: [maria],
  moreAdmins: true,
  terms: [{ label: 'Rules of the fish', href: '/console/terms/fish', isRetired: true, version: 'v1' }],
  grants: { count: 1233, href: '/console/grants?dataset=fish2' },
  requests: { count: 2, href: '/console/requests?dataset=fish2' },
  roots: '/console/datasets/fish2/roots',
  addGrant: '/console/grants/new?dataset=fish2',
  nameAdmin: '/console/grants/new?dataset=fish2&level=admin',
  addTerms: '/console/terms/new?dataset=fish2',
  facts: { post: post('/console/datasets/fish2/change'), fields: [field('title', 'Title')] },
  isFactsOpen: false,
  open: post('/console/datasets/fish2/open'),
  remove: post('/console/datasets/fish2/remove'),
}

/** Every view of the rooms. */
export function ledgerSamples(): readonly LedgerSample[] {
  return [...datasets(), ...grants(), requests(), explained()]
}

function datasets(): readonly LedgerSample[] {
  const { facts: _, open: _open, remove: _remove, requests: _requests, ...kept } = dataset
  return [
    sample('console-home', 'console-home', {
      frame: frame('start', { signInAgain: '/console/fresh?back=/console' }),
      cards: [{ name: 'grants', count: 104_233, href: '/console/grants' }],
      shortcuts: [{ name: 'newGrant', href: '/console/grants/new' }],
    }),
    sample('console-datasets', 'console-datasets', {
      frame: frame('datasets'),
      paging,
      datasets: [
        {
          slug: 'fish2',
          title: 'Fish brain',
          href: fish.href,
          isHidden: true,
          isFrozen: true,
          ofConfig: false,
          versions: 2,
        },
        { slug: 'fly', title: 'Fly', href: '/x', isHidden: false, isFrozen: false, ofConfig: true, versions: 0 },
      ],
      isNewOffered: true,
    }),
    sample('console-dataset-new', 'console-dataset-new', {
      frame: frame('datasets', { message: { tone: 'error', text: '“Fish 2” cannot be a slug.' } }),
      form: {
        post: post('/console/datasets/new'),
        fields: [field('slug', 'Slug'), { ...field('versions', 'Versions'), type: 'area', value: 'v1 | First' }],
      },
    }),
    sample('console-dataset', 'console-dataset', dataset),
    sample('console-dataset-config', 'console-dataset', {
      ...kept,
      dataset: { ...dataset.dataset, ofConfig: true, frozen: undefined, isHidden: false, versions: [], aliases: [] },
      admins: [],
      terms: [],
    }),
    sample('console-roots', 'console-roots', {
      frame: frame('datasets'),
      dataset: { slug: 'fish2', title: 'Fish brain', href: fish.href, ofConfig: false },
      paging,
      roots: [
        {
          table: 'pychunkedgraph | fish2_v1',
          root: '720575940621039145',
          by: maria,
          at: daysAgo(1),
          remove: post('/console/datasets/fish2/roots'),
        },
      ],
      hasTables: true,
      change: { post: post('/console/datasets/fish2/roots'), fields: [{ ...field('roots', 'Ids'), type: 'area' }] },
    }),
  ]
}

function grants(): readonly LedgerSample[] {
  return [
    sample('console-grants', 'console-grants', {
      frame: frame('grants'),
      paging,
      filters: [field('dataset', 'Dataset')],
      grants: [line, conditional],
      add: '/console/grants/new',
    }),
    sample('console-grant-new', 'console-grant-new', {
      frame: frame('grants'),
      post: post('/console/grants/new'),
      who: [{ ...field('kind', 'Kind'), type: 'select', options: [{ value: 'account', label: 'An account' }] }],
      what: [field('dataset', 'Dataset'), field('version', 'Version')],
      conditions: [{ ...field('until', 'Until'), type: 'datetime-local' }],
      hasConditions: true,
      why: { ...field('why', 'Why'), type: 'area' },
    }),
    sample('console-grant', 'console-grant', {
      frame: frame('grants'),
      grant: {
        ...line,
        by: maria,
        why: 'Traces the tectum.',
        source: 'database',
        endedAt: undefined,
        endedBy: undefined,
      },
      end: post('/console/grants/7/end'),
      trail: [{ id: 3, at: daysAgo(3), type: 'grant.added', address: '2001:db8::17', requestId: 'q7', by: maria }],
      explain: '/console/explain?account=x&dataset=fish2&verb=edit',
    }),
    sample('console-grant-ended', 'console-grant', {
      frame: frame('grants'),
      grant: {
        ...conditional,
        state: 'ended',
        by: { label: 'config' },
        why: '',
        source: 'config',
        endedAt: daysAgo(1),
        endedBy: maria,
      },
      trail: [],
    }),
  ]
}

function requests(): LedgerSample {
  const asked = {
    who: maria,
    dataset: fish,
    version: 'v1',
    level: 'view',
    why: 'I should like to count its cells.',
    at: daysAgo(1),
    decidedAt: undefined,
    decidedBy: undefined,
    note: '',
  } as const
  return sample('console-requests', 'console-requests', {
    frame: frame('requests'),
    paging,
    filters: [field('dataset', 'Dataset')],
    requests: [
      {
        ...asked,
        id: 1,
        state: 'open',
        grant: { post: post('/console/requests/1/grant'), fields: [field('note-1', 'A word')] },
        refuse: { post: post('/console/requests/1/refuse'), fields: [field('note-2', 'Another word')] },
        isOpen: 'grant',
      },
      { ...asked, id: 2, state: 'refused', decidedAt: daysAgo(0), decidedBy: maria, note: 'Not yet.' },
    ],
  })
}

function explained(): LedgerSample {
  return sample('console-explain', 'console-explain', {
    frame: frame('explain'),
    fields: [field('account', 'Account'), field('dataset', 'Dataset')],
    event: { ...field('event', 'Reference'), value: 'q7' },
    problem: { tone: 'error', text: 'There is no such thing.' },
    refused: { at: daysAgo(1), who: maria, code: 'q7', detail: 'Maria: edit on fish2' },
    answer: {
      allowed: false,
      question: 'Maria: edit on fish2',
      words: ['Accept the terms “Rules of the fish” (text 1).'],
      lines: [
        { ...line, counts: true, missing: [] },
        { ...conditional, counts: false, missing: ['was over at 2025-01-31 12:00 UTC'] },
      ],
      terms: [
        { label: 'Rules of the fish', href: '/console/terms/fish', acceptedAt: undefined, services: [], number: 1 },
        { label: 'Of the atlas', href: '/console/terms/a', acceptedAt: daysAgo(2), services: ['atlas'], number: 2 },
      ],
      wire: [{ id: 'cave', plugin: 'cave', json: '{\n  "permissions": []\n}' }],
    },
  })
}
