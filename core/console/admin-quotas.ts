/** Quotas and leases in the console: what the config says, and what is set here instead. @module */
import { Fault } from '@labgate/contract'
import { durationText, parseBytes, parseDuration } from '../config/units.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Notice } from '../pages/views.ts'
import type { ConsoleField } from '../pages/views-console.ts'
import type { ConsoleQuotasView } from '../pages/views-console-workspaces.ts'
import type { LeaseLine, Leases, Quota, QuotaLine } from '../workspaces/model.ts'
import { byAdmin, type ConsoleWorkspacesNeeds, consoleWorkspaces, workspacesRoom } from './admin-workspaces.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { framed, typedIn } from './typed.ts'
import { createWho } from './who.ts'
import { sizeText, takenParts } from './workspace-words.ts'

const base = `${consoleWorkspaces}/quotas`

/** The page of quotas and its forms. */
export function quotaRoutes(frame: ConsoleFrame, needs: ConsoleWorkspacesNeeds): Route[] {
  const { desk, workspaces } = needs
  const who = createWho(desk)
  const show = async (ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> => {
    const lines = await workspaces.quotas()
    frame.show(ctx, 'console-workspace-quotas', {
      frame: await framed(frame, { ctx, visit, room: workspacesRoom, notice }),
      quotas: await Promise.all(
        lines.map(async (line) => ({
          ...lineOf(line),
          taken:
            line.taken && takenParts((key, values) => desk.text(ctx, key, values), line.quota, line.taken).join(' · '),
          who: line.scope.startsWith('account:') ? await who.view(line.scope.slice(8)) : undefined,
          ...(line.source === 'console'
            ? { remove: { ...frame.post(ctx, `${base}/remove`), fields: { scope: line.scope } } }
            : {}),
        })),
      ),
      set: { post: frame.post(ctx, base), fields: fieldsOf(ctx, needs) },
      leases: leasesView(ctx, { frame, needs, line: await workspaces.leases() }),
    })
  }
  return [
    frame.page(base, (ctx, visit) => show(ctx, visit), byAdmin),
    frame.form(base, {
      may: byAdmin,
      async apply(ctx, { actor }) {
        const typed = typedIn(ctx)
        await workspaces.setQuota(actor, await scopeIn(ctx, needs), quotaIn(ctx, needs, typed))
        return { to: base, said: desk.text(ctx, 'console.saved') }
      },
      again: show,
    }),
    ...leaseForms(frame, needs, show),
    frame.form(`${base}/remove`, {
      may: byAdmin,
      async apply(ctx, { actor }) {
        await workspaces.setQuota(actor, typedIn(ctx).scope ?? '', undefined)
        return { to: base, said: desk.text(ctx, 'console.ws.quotaGone') }
      },
      again: show,
    }),
  ]
}

type Show = (ctx: Ctx, visit: Visit, notice?: Notice) => Promise<void>

function leaseForms(frame: ConsoleFrame, needs: ConsoleWorkspacesNeeds, again: Show): Route[] {
  const { desk, workspaces } = needs
  const form = (path: string, leases: (ctx: Ctx) => Leases | undefined, said: string) =>
    frame.form(`${base}/${path}`, {
      may: byAdmin,
      async apply(ctx, { actor }) {
        await workspaces.setLeases(actor, leases(ctx))
        return { to: base, said: desk.text(ctx, said) }
      },
      again,
    })
  return [
    form('leases', (ctx) => leasesTyped(ctx, needs), 'console.saved'),
    form('leases/remove', () => undefined, 'console.ws.quotaGone'),
  ]
}

const lengths = ['first', 'extension', 'max'] as const

function leasesView(
  ctx: Ctx,
  { frame, needs, line }: { frame: ConsoleFrame; needs: ConsoleWorkspacesNeeds; line: LeaseLine },
): ConsoleQuotasView['leases'] {
  const typed = typedIn(ctx)
  const say = (key: string) => needs.desk.text(ctx, key)
  return {
    ofConfig: line.source === 'config',
    post: frame.post(ctx, `${base}/leases`),
    fields: lengths.map((name) => ({
      ...{ id: name, name, value: typed[name] ?? durationText(line[`${name}Seconds`]), plain: true, maxLength: 12 },
      label: say(`console.ws.lease.${name}`),
      ...(name === 'first' ? { hint: say('console.ws.leaseHint') } : {}),
    })),
    ...(line.source === 'console' ? { remove: frame.post(ctx, `${base}/leases/remove`) } : {}),
  }
}

/** @throws Fault ERR_INPUT */
function leasesTyped(ctx: Ctx, { desk }: ConsoleWorkspacesNeeds): Leases {
  const typed = typedIn(ctx)
  const [firstSeconds, extensionSeconds, maxSeconds] = lengths.map((name) => parseDuration((typed[name] ?? '').trim()))
  if (firstSeconds === undefined || extensionSeconds === undefined || maxSeconds === undefined)
    throw new Fault('ERR_INPUT', desk.text(ctx, 'console.ws.badLease'))
  return { firstSeconds, extensionSeconds, maxSeconds }
}

function lineOf({ scope, quota: { instances, memoryBytes, milliCpus }, source }: QuotaLine) {
  return {
    ...{ scope, instances, ofConfig: source === 'config' },
    memory: memoryBytes === undefined ? undefined : sizeText(memoryBytes),
    cpus: milliCpus === undefined ? undefined : milliCpus / 1000,
  }
}

/** Whose quota it is: a person is named as everywhere, and kept by id. @throws Fault ERR_INPUT */
async function scopeIn(ctx: Ctx, { desk }: ConsoleWorkspacesNeeds): Promise<string> {
  const { of = '', name = '' } = typedIn(ctx)
  if (of === 'site' || of === 'user') return of
  if (of === 'account') return `account:${(await createWho(desk).find(ctx, name)).id}`
  return `group:${name.trim()}`
}

/** @throws Fault ERR_INPUT */
function quotaIn(ctx: Ctx, { desk }: ConsoleWorkspacesNeeds, typed: Readonly<Record<string, string>>): Quota {
  const [instances = '', memory = '', cpus = ''] = ['instances', 'memory', 'cpus'].map((one) => typed[one]?.trim())
  const memoryBytes = memory === '' ? undefined : parseBytes(memory.toLowerCase().replaceAll(/\s+|i?b$/g, ''))
  const isWrong =
    !/^\d{0,6}$/.test(instances) ||
    (memory !== '' && memoryBytes === undefined) ||
    !/^(\d{1,6}(\.\d{1,3})?)?$/.test(cpus)
  if (isWrong) throw new Fault('ERR_INPUT', desk.text(ctx, 'console.ws.badQuota'))
  return {
    instances: instances === '' ? undefined : Number(instances),
    memoryBytes,
    milliCpus: cpus === '' ? undefined : Math.round(Number(cpus) * 1000),
  }
}

function fieldsOf(ctx: Ctx, { desk }: ConsoleWorkspacesNeeds): ConsoleField[] {
  const say = (key: string) => desk.text(ctx, key)
  const typed = typedIn(ctx)
  const of = (name: string) => ({ id: name, name, value: typed[name] ?? '', plain: true, maxLength: 100 })
  return [
    {
      ...{ ...of('of'), type: 'select', label: say('console.ws.quotaOf') },
      options: ['user', 'site', 'account', 'group'].map((value) => ({ value, label: say(`console.ws.of.${value}`) })),
    },
    { ...of('name'), label: say('console.ws.quotaName'), hint: say('console.ws.quotaNameHint') },
    { ...of('instances'), label: say('console.ws.instances'), hint: say('console.ws.emptyHint') },
    { ...of('memory'), label: say('console.ws.memory'), hint: say('console.ws.memoryHint') },
    { ...of('cpus'), label: say('console.ws.cpus') },
  ]
}
