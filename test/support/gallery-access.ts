/** Sample data for a person's own pages of access. @module */
import type { Views } from '../../core/pages/views.ts'

interface AccessSample<V extends 'my-access' | 'my-dataset' | 'my-history'> {
  readonly name: string
  readonly view: V
  readonly data: Views[V]
  readonly signedIn: boolean
}

const now = new Date('2026-03-04T10:30:00Z')
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000)
const post = (action: string) => ({ action, csrf: 'sample-csrf' })

const request = {
  dataset: 'Cortex, unpublished',
  version: undefined,
  level: 'edit',
  state: 'open',
  at: daysAgo(2),
  note: '',
  withdraw: post('/account/requests/7/withdraw'),
} as const

/** A full page, an empty one, and the answers for one dataset. */
export function accessSamples(): readonly (
  | AccessSample<'my-access'>
  | AccessSample<'my-dataset'>
  | AccessSample<'my-history'>
)[] {
  return [
    { name: 'my-access', view: 'my-access', signedIn: true, data: full() },
    {
      name: 'my-access-empty',
      view: 'my-access',
      signedIn: true,
      data: {
        now,
        mine: [],
        requests: [],
        terms: [],
        others: [],
        paging: { search: 'nothing like it', shown: 0, total: 0 },
      },
    },
    { name: 'my-dataset', view: 'my-dataset', signedIn: true, data: oneDataset() },
    { name: 'my-history', view: 'my-history', signedIn: true, data: history() },
    {
      name: 'my-history-empty',
      view: 'my-history',
      signedIn: true,
      data: { now, lines: [], take: post('/account/export') },
    },
  ]
}

function full(): Views['my-access'] {
  return {
    now,
    message: { tone: 'success', text: 'Your request was sent.' },
    mine: [
      {
        title: 'Larval fish, second brain',
        href: '/account/access/fish2',
        version: undefined,
        holds: 'You may see and change it.',
        missing: [],
      },
      {
        title: 'Female adult nerve cord',
        href: '/account/access/fanc?version=v3',
        version: 'v3',
        holds: undefined,
        missing: [{ text: 'FANC terms', link: { label: 'Read and accept them', href: '/terms/fanc-terms' } }],
      },
    ],
    requests: [
      request,
      { ...request, dataset: 'Open atlas', state: 'refused', note: 'Ask again in June.', withdraw: undefined },
    ],
    terms: [
      { title: 'Rules of the house', href: '/terms/house', acceptedAt: daysAgo(40) },
      { title: 'FANC terms', href: '/terms/fanc-terms', acceptedAt: undefined },
    ],
    others: [
      { title: 'Mouse retina', text: 'Serial-section images of one retina.', href: '/account/access/mouse' },
      { title: 'Open atlas', text: '', href: '/account/access/atlas' },
    ],
    paging: { search: '', shown: 2, total: 61, next: '/account/access?after=mouse' },
  }
}

function history(): Views['my-history'] {
  const line = { at: daysAgo(1), by: 'self', about: [], address: '192.0.2.7' } as const
  return {
    now,
    lines: [
      { ...line, what: 'sign-in-done', about: ['github'] },
      { ...line, what: 'consent-given', about: ['Neuron viewer'] },
      { ...line, what: 'group-joined', by: 'other', about: ['tracers'], address: undefined },
      { ...line, what: 'something-new' },
    ],
    first: '/account/history',
    next: '/account/history?before=7',
    take: post('/account/export'),
  }
}

function oneDataset(): Views['my-dataset'] {
  return {
    now,
    dataset: { title: 'Female adult nerve cord', slug: 'fanc', description: 'One nerve cord, all of its neurons.' },
    versions: [
      { label: 'Whole dataset', href: '/account/access/fanc', current: true },
      { label: 'v3', href: '/account/access/fanc?version=v3', current: false },
    ],
    answers: [
      { level: 'view', allowed: true, words: ['You are in the group tracers, which may see it.'] },
      { level: 'edit', allowed: false, words: ['Accept the terms “FANC terms” (text 2).'] },
      { level: 'manage', allowed: false, words: ['Nobody granted you this.'] },
      { level: 'admin', allowed: false, words: ['Nobody granted you this.'] },
    ],
    next: [
      {
        text: 'Accept the terms “FANC terms” (text 2).',
        link: { label: 'Read and accept them', href: '/terms/fanc-terms' },
      },
    ],
    lines: [
      { text: 'Members of tracers: see it', why: 'traces neurons', counts: true, since: daysAgo(90) },
      { text: 'You yourself: see and change it', why: '', counts: false, since: daysAgo(3) },
    ],
    request,
    ask: { ...post('/account/access/fanc/ask'), levels: ['manage', 'admin'], why: 'We map its muscles.' },
  }
}
