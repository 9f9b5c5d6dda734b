/** What is done with a whole account at the console: its history, a merge with preview, export, erasure. @module */
import { Fault } from '@labgate/contract'
import type { DirectoryEntry } from '../accounts/directory.ts'
import type { MergePreview } from '../accounts/merge.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Notice, Views } from '../pages/views.ts'
import type { MergeLine } from '../pages/views-console-accounts.ts'
import { auditLineView } from './audit.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { showPerson } from './person.ts'
import { accountHref, byAdmin, type PersonNeeds, peopleBase, personOf } from './person-needs.ts'
import { gone } from './scope.ts'
import { framed, typedIn } from './typed.ts'
import { createWho, whoOf } from './who.ts'

const pageSize = 50

/** `/console/people/:id/history`, `/merge`, `/export` and `/erase`. */
export function lifeRoutes(frame: ConsoleFrame, needs: PersonNeeds): Route[] {
  return [historyRoute(frame, needs), ...mergeRoutes(frame, needs), exportRoute(frame, needs), eraseRoute(frame, needs)]
}

function historyRoute(frame: ConsoleFrame, needs: PersonNeeds): Route {
  const who = createWho(needs.desk)
  const show = async (ctx: Ctx, visit: Visit): Promise<void> => {
    const person = await personOf(ctx, needs)
    const after = typeof ctx.query.after === 'string' ? ctx.query.after : ''
    const before = /^\d{1,15}$/.test(after) ? Number(after) : undefined
    const { rows, next } = await needs.life.history(person.id, { seenBy: 'admin', before, limit: pageSize })
    const at = `${accountHref(person)}/history`
    frame.show(ctx, 'console-person-history', {
      frame: await frame.frame(ctx, visit, 'people'),
      person: { name: person.displayName || person.username, href: accountHref(person) },
      lines: await Promise.all(rows.map((line) => auditLineView(line, who))),
      first: before === undefined ? undefined : at,
      next: next === undefined ? undefined : `${at}?after=${next}`,
    })
  }
  return frame.page(`${peopleBase}/:id/history`, show, byAdmin)
}

function mergeRoutes(frame: ConsoleFrame, needs: PersonNeeds): Route[] {
  const { desk, directory, life } = needs
  const who = createWho(desk)
  const targetOf = async (ctx: Ctx): Promise<DirectoryEntry> =>
    (await directory.find(typedIn(ctx).into ?? '')) ?? gone(ctx, desk)

  const show = async (ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> => {
    const from = await personOf(ctx, needs)
    const asked = ctx.query.into
    const word = typedIn(ctx).into ?? (typeof asked === 'string' ? asked.slice(0, 320).trim() : '')
    const into = word === '' ? undefined : await who.find(ctx, word).catch(() => undefined)
    const unknown: Notice | undefined =
      word !== '' && into === undefined
        ? { tone: 'error', text: desk.text(ctx, 'console.who.unknown', { name: word.slice(0, 80) }) }
        : undefined
    const preview = into && (await life.mergePreview(from.id, into.id))
    const at = accountHref(from)
    frame.show(ctx, 'console-person-merge', {
      frame: await framed(frame, { ctx, visit, room: 'people', notice: notice ?? unknown }),
      from: { ...whoOf(from), href: at },
      word: into ? into.username : word,
      ...(into ? { into: { ...whoOf(into), href: accountHref(into) } } : {}),
      ...(preview ? await planOf(ctx, preview, needs) : { moves: [], ends: [], stays: [] }),
      ...(into && preview && preview.refused === undefined
        ? { post: { ...frame.post(ctx, `${at}/merge`), fields: { into: into.id } } }
        : {}),
    })
  }
  return [
    frame.page(`${peopleBase}/:id/merge`, (ctx, visit) => show(ctx, visit), byAdmin),
    frame.form(`${peopleBase}/:id/merge`, {
      may: byAdmin,
      async apply(ctx, { actor }) {
        const [from, into] = [await personOf(ctx, needs), await targetOf(ctx)]
        await life.merge(actor, from.id, into.id)
        return { to: accountHref(into), said: desk.text(ctx, 'console.merge.done') }
      },
      again: show,
    }),
  ]
}

type Plan = Pick<Views['console-person-merge'], 'moves' | 'stays' | 'ends' | 'refused'>

/** A preview in words; what there is none of is left out. */
async function planOf(
  ctx: Ctx,
  { moves, stays, ends, refused }: MergePreview,
  { desk, directory }: PersonNeeds,
): Promise<Plan> {
  const method = (instance: string) => desk.methods.label(instance, desk.locale(ctx))
  const number = (count: number) => (count === 0 ? [] : [String(count)])
  const named = (ids: readonly string[]) =>
    Promise.all(ids.map(async (id) => (await directory.find(id))?.username ?? id))
  const lines = (all: readonly MergeLine[]) => all.filter(({ items }) => items.length > 0)
  return {
    refused,
    moves: lines([
      { name: 'identities', items: moves.identities.map(({ instance, subject }) => `${method(instance)} ${subject}`) },
      { name: 'groups', items: [...new Set(moves.groups.map(({ group }) => group))] },
      { name: 'managed', items: moves.managed },
      {
        name: 'grants',
        items: moves.grants.map(({ dataset, version, verb }) => [dataset, version, verb].filter(Boolean).join(' ')),
      },
      { name: 'acceptances', items: moves.acceptances.map(({ terms, number: no }) => `${terms} ${no}`) },
      { name: 'requests', items: number(moves.requests.length) },
      { name: 'serviceAccounts', items: await named(moves.serviceAccounts) },
      { name: 'answers', items: moves.answers },
      { name: 'managers', items: await named(moves.managers) },
      { name: 'people', items: await named(moves.people) },
    ]),
    stays: lines([
      { name: 'role', items: stays.role === undefined ? [] : [desk.text(ctx, `account.roles.${stays.role}`)] },
      { name: 'configGrants', items: stays.configGrants.map(String) },
      { name: 'answers', items: stays.answers },
      { name: 'requests', items: number(stays.requests.length) },
    ]),
    ends: lines([
      { name: 'tokens', items: number(ends.tokens) },
      { name: 'sessions', items: number(ends.sessions) },
      { name: 'consents', items: ends.consents },
    ]),
  }
}

/** Sent as a file; by a form, as it leaves a line in the trail and asks for a new sign-in. */
function exportRoute(frame: ConsoleFrame, needs: PersonNeeds): Route {
  return frame.form(`${peopleBase}/:id/export`, {
    may: byAdmin,
    async apply(ctx, { actor }) {
      const { id } = await personOf(ctx, needs)
      const kept = await needs.life.exportOf(actor, id)
      ctx.type = 'application/json; charset=utf-8'
      ctx.set('Content-Disposition', `attachment; filename="account-${id}.json"`)
      ctx.body = `${JSON.stringify(kept, undefined, 2)}\n`
      return 'answered'
    },
    again: showPerson(frame, needs),
  })
}

function eraseRoute(frame: ConsoleFrame, needs: PersonNeeds): Route {
  const { desk, life } = needs
  return frame.form(`${peopleBase}/:id/erase`, {
    may: byAdmin,
    async apply(ctx, { actor }) {
      const { id, username } = await personOf(ctx, needs)
      if (typedIn(ctx).typed?.trim() !== username)
        throw new Fault('ERR_INPUT', desk.text(ctx, 'console.typeNameWrong', { name: username }))
      const { inConfig } = await life.erase(actor, id)
      const said =
        inConfig.length === 0
          ? desk.text(ctx, 'console.person.erased')
          : desk.text(ctx, 'console.person.erasedInConfig', { grants: inConfig.join(', ') })
      // Who erased themselves is signed in no more.
      return id === actor.account ? { to: '/' } : { to: `${peopleBase}/${encodeURIComponent(id)}`, said }
    },
    again: showPerson(frame, needs),
  })
}
