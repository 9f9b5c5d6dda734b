/** Sample data for the pages of workspaces. @module */
import type { Views } from '../../core/pages/views.ts'
import type { WorkspaceConsoleViews } from '../../core/pages/views-console-workspaces.ts'
import type { WorkspacePageView, WorkspaceViews } from '../../core/pages/views-workspaces.ts'

type Name = keyof WorkspaceViews | keyof WorkspaceConsoleViews

/** One page. */
export type WorkspaceSample = {
  readonly [V in Name]: {
    readonly name: string
    readonly view: V
    readonly data: Views[V]
    readonly signedIn: boolean
  }
}[Name]

const now = new Date('2026-03-04T10:30:00Z')
const post = (action: string) => ({ action, csrf: 'sample-csrf' })
const minutes = (count: number) => new Date(now.getTime() + count * 60_000)
const at = '/workspaces/wqb3k9s7f2m1x0d4'
const app = 'https://wqb3k9s7f2m1x0d4.work.example.org/lab'

const events = [
  ['requested', 'Asked for.'],
  ['reserved', 'There is room for it.'],
  ['starting', 'Starting.'],
  [
    'progress',
    'Pulling registry.example.org/notebooks/python@sha256:5dd8fac7b9a0a2f0c1d04cf5a5ef6c9a39ff6a2f0d9e4d6f: 71 %',
  ],
].map(([kind = '', text = ''], index) => ({ number: index + 1, at: minutes(-4 + index), kind, text }))

const starting: WorkspacePageView = {
  now,
  title: 'Tracing with Ada',
  app: 'JupyterLab',
  state: 'starting',
  size: 'medium',
  limits: ['Memory: 8 GiB', 'CPUs: 2 (advisory: this place cannot enforce it)', 'Storage: not limited'],
  image: 'registry.example.org/notebooks/python@sha256:5dd8fac7b9a0a2f0c1d04cf5a5ef6c9a39ff6a2f0d9e4d6f',
  since: minutes(-4),
  until: minutes(236),
  events,
  live: `${at}/events?after=4`,
  refresh: 3,
  logs: `${at}/logs`,
  stop: post(`${at}/stop`),
  guests: {
    list: [
      { name: 'Grace Hopper', username: 'grace', uninvite: { ...post(`${at}/uninvite`), fields: { guest: 'a1' } } },
    ],
    invite: post(`${at}/invite`),
    typed: '',
  },
}

const ready: WorkspacePageView = {
  ...starting,
  message: { tone: 'success', text: 'Grace Hopper may enter now.' },
  state: 'ready',
  until: minutes(9),
  warning: 'This workspace ends at 2026-03-04 10:39 UTC. Save your work, or let it run longer.',
  notice: 'The machine is restarted at noon.',
  refresh: undefined,
  open: app,
  restart: post(`${at}/restart`),
  extend: post(`${at}/extend`),
  direct: { href: 'http://notebooks.example.org:9210/lab', reveal: post(`${at}/reveal`) },
}

const failed: WorkspacePageView = {
  ...starting,
  state: 'failed',
  reason: 'Something went wrong.',
  live: undefined,
  refresh: undefined,
  stop: undefined,
  logs: undefined,
  until: undefined,
  guests: undefined,
  forget: post(`${at}/forget`),
  trouble: {
    message: 'The app ended by itself (code 3).',
    hint: 'The last lines it wrote are below.',
    logs: ['Traceback (most recent call last):', `  ${'x'.repeat(200)}`, 'cannot find the licence'],
    retry: post(`${at}/restart`),
  },
  events: [...events, { number: 5, at: now, kind: 'failed', text: 'It failed.' }],
}

/** A list, a page in three states, and lines. */
export function workspaceSamples(): WorkspaceSample[] {
  const size = (name: string, limits: string[]) => ({ name, title: name, limits })
  const jupyter = {
    profile: 'lab',
    title: 'JupyterLab',
    description: 'Python with the usual packages.',
    sizes: [
      size('small', ['Memory: 4 GiB', 'CPUs: 1']),
      {
        ...size('large', ['Memory: 16 GiB', 'CPUs: not limited']),
        full: 'No room at the moment, taken by you: 4 GiB of 16 GiB memory.',
      },
    ],
    images: ['registry.example.org/notebooks/python', 'registry.example.org/notebooks/julia'],
    post: { ...post('/workspaces'), fields: { profile: 'lab' } },
    typed: { title: 'Again', size: 'large', image: 'registry.example.org/notebooks/julia' },
    storage: '/workspaces/storage/lab',
  }
  const closed = { ...jupyter, profile: 'r', title: 'RStudio', closed: 'takes nothing new now', typed: undefined }
  const line = {
    title: 'Tracing with Ada',
    href: at,
    app: 'JupyterLab',
    state: 'ready',
    since: minutes(-90),
    until: minutes(9),
    endsSoon: true,
    open: app,
  } as const
  const list: Views['workspaces'] = {
    now,
    message: { tone: 'error', text: 'You have as many as you may: 2 workspaces at once. Stop one first.' },
    mine: [line, { ...line, title: 'Yesterday', state: 'expired', until: undefined, endsSoon: false, open: undefined }],
    more: '/workspaces?after=1.w',
    shared: [{ title: 'Of a colleague', owner: 'Grace Hopper', open: app }],
    options: [
      jupyter,
      closed,
      { ...jupyter, profile: 'plain', images: [], sizes: [], storage: undefined, typed: undefined },
    ],
    taken: [
      { whose: 'by you', parts: ['1 of 2 workspaces', '4 GiB of 20 GiB memory'] },
      { whose: 'by the group imaging', parts: ['30 of 32 CPUs'] },
    ],
  }
  return [
    { name: 'workspaces', view: 'workspaces', data: list, signedIn: true },
    {
      name: 'workspaces-none',
      view: 'workspaces',
      data: { now, mine: [], shared: [], options: [], taken: [] },
      signedIn: true,
    },
    { name: 'workspace-starting', view: 'workspace', data: starting, signedIn: true },
    { name: 'workspace-ready', view: 'workspace', data: ready, signedIn: true },
    { name: 'workspace-failed', view: 'workspace', data: failed, signedIn: true },
    {
      name: 'workspace-shown',
      view: 'workspace',
      data: {
        ...ready,
        message: undefined,
        direct: { href: 'http://notebooks.example.org:9210/lab', shownAt: minutes(-5) },
      },
      signedIn: true,
    },
    {
      name: 'workspace-no-port',
      view: 'workspace',
      data: { ...ready, warning: undefined, direct: {} },
      signedIn: true,
    },
    {
      name: 'workspace-credential',
      view: 'workspace-credential',
      data: {
        title: 'The credential of “Tracing with Ada”',
        back: at,
        href: 'http://notebooks.example.org:9210/lab',
        credential: 'sample-credential-that-opens-nothing',
      },
      signedIn: true,
    },
    {
      name: 'workspace-logs',
      view: 'workspace-logs',
      data: {
        title: 'Tracing with Ada',
        back: at,
        lines: ['[I 10:30] Serving', 'y'.repeat(300)],
        follow: `${at}/logs/follow`,
      },
      signedIn: true,
    },
    ...consoleSamples(),
    {
      name: 'workspace-logs-none',
      view: 'workspace-logs',
      data: { title: 'Tracing with Ada', back: at, lines: [], why: 'It does not run, so it writes nothing.' },
      signedIn: true,
    },
  ]
}

const rooms = '/console/workspaces'
const frame = {
  now,
  nav: ['start', 'people', 'workspaces', 'audit'].map((name) => ({
    name,
    href: name === 'start' ? '/console' : `/console/${name}`,
    current: name === 'workspaces',
  })),
}
const ada = { id: 'a1b2', name: 'Ada Lovelace', username: 'ada' }

function consoleSamples(): WorkspaceSample[] {
  const one = { title: 'Tracing with Ada', href: `${rooms}/wqb3`, owner: ada, app: 'JupyterLab', size: 'medium' }
  const any = { value: '', label: 'any' }
  const list: Views['console-workspaces'] = {
    frame,
    filters: [
      {
        type: 'select',
        id: 'state',
        name: 'state',
        label: 'State',
        options: [any, { value: 'ready', label: 'ready' }],
      },
      { id: 'account', name: 'account', label: 'Person', plain: true },
    ],
    workspaces: [
      { ...one, place: 'cluster/node3', state: 'ready', since: minutes(-90), until: minutes(9) },
      { ...one, title: 'wlost', size: '', place: 'docker', state: 'orphaned', since: minutes(-9), until: minutes(99) },
      { ...one, owner: { id: 'gone' }, place: 'docker', state: 'failed', since: minutes(-900) },
    ],
    paging: { at: rooms, search: '', shown: 3, total: 31, next: `${rooms}?after=1` },
    places: ['docker', 'cluster', 'cluster/node3'].map((place) => ({
      place,
      isDrained: place === 'docker',
      turn: { ...post(`${rooms}/drain`), fields: { place, state: 'on' } },
    })),
    message: {
      post: post(`${rooms}/message`),
      fields: [{ type: 'area', id: 'text', name: 'text', label: 'What they should know', required: true }],
    },
    isMessageOpen: true,
  }
  const shown: Views['console-workspace'] = {
    frame: { ...frame, message: { tone: 'success', text: 'It may run longer now.' } },
    ...{ id: 'wqb3k9s7f2m1x0d4', title: one.title, owner: ada, app: one.app, size: one.size, place: 'cluster/node3' },
    ...{ limits: starting.limits, image: starting.image, state: 'ready', wanted: 'stopped' },
    reason: 'An administrator stopped it.',
    ...{ since: minutes(-90), readyAt: minutes(-88), lastActivityAt: minutes(-3), until: minutes(9) },
    direct: { address: 'notebooks.example.org:9210', shownAt: minutes(-5) },
    guests: [{ id: 'b1', name: 'Grace Hopper', username: 'grace', remove: post(`${rooms}/wqb3/guests/b1/remove`) }],
    letIn: post(`${rooms}/wqb3/guests`),
    trouble: failed.trouble && { ...failed.trouble, retry: undefined },
    events,
    logs: { lines: ['[I 10:30] Serving'], why: undefined },
    stop: post(`${rooms}/wqb3/stop`),
    remove: post(`${rooms}/wqb3/remove`),
    extend: post(`${rooms}/wqb3/extend`),
    restart: post(`${rooms}/wqb3/restart`),
  }
  const quotas: Views['console-workspace-quotas'] = {
    frame,
    quotas: [
      {
        scope: 'site',
        instances: 40,
        memory: '512 GiB',
        cpus: 128,
        taken: '31 of 40 workspaces · 200 GiB of 512 GiB memory',
        ofConfig: true,
      },
      { scope: 'user', instances: 3, ofConfig: true },
      { scope: 'account:a1b2', who: ada, cpus: 0.5, ofConfig: false, remove: post(`${rooms}/quotas/remove`) },
      { scope: 'group:imaging', memory: '64 GiB', ofConfig: false, remove: post(`${rooms}/quotas/remove`) },
    ],
    set: {
      post: post(`${rooms}/quotas`),
      fields: [{ id: 'instances', name: 'instances', label: 'Workspaces', hint: 'Empty: not limited.' }],
    },
    leases: {
      post: post(`${rooms}/quotas/leases`),
      fields: [{ id: 'first', name: 'first', label: 'At first', value: '8h', hint: 'Such as 8h or 7d.' }],
      ofConfig: false,
      remove: post(`${rooms}/quotas/leases/remove`),
    },
  }
  const used = { workspaces: 12, hours: 340.26, memoryGibHours: 2722.1, cpuHours: 680.5 }
  const usage: Views['console-workspace-usage'] = {
    frame,
    ...{ from: '2026-02-02', until: '2026-03-04', by: 'account', csv: `${rooms}/usage.csv?by=account` },
    lines: [
      { scope: 'account:a1b2', who: ada, ...used },
      { scope: 'account:gone', who: { id: 'gone' }, ...used },
    ],
  }
  return [
    { name: 'console-workspaces', view: 'console-workspaces', data: list, signedIn: true },
    {
      name: 'console-workspaces-none',
      view: 'console-workspaces',
      data: { ...list, workspaces: [], places: [], isMessageOpen: false },
      signedIn: true,
    },
    {
      name: 'console-workspace-new',
      view: 'console-workspace-new',
      data: { frame, form: { post: post(`${rooms}/new`), fields: list.filters } },
      signedIn: true,
    },
    { name: 'console-workspace', view: 'console-workspace', data: shown, signedIn: true },
    {
      name: 'console-workspace-over',
      view: 'console-workspace',
      data: {
        ...shown,
        ...{ state: 'expired', until: undefined, endedAt: now, logs: undefined, trouble: undefined, guests: [] },
        ...{ stop: undefined, remove: undefined, extend: undefined, restart: post(`${rooms}/wqb3/restart`) },
        ...{ forget: post(`${rooms}/wqb3/forget`), events: [], showLogs: `${rooms}/wqb3?logs=1#logs` },
      },
      signedIn: true,
    },
    { name: 'console-workspace-quotas', view: 'console-workspace-quotas', data: quotas, signedIn: true },
    { name: 'console-workspace-usage', view: 'console-workspace-usage', data: usage, signedIn: true },
    {
      name: 'console-workspace-usage-none',
      view: 'console-workspace-usage',
      data: { ...usage, by: 'group', lines: [] },
      signedIn: true,
    },
  ]
}
