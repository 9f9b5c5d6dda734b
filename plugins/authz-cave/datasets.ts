/** Datasets by number: their admins, what groups hold on them, and the tables that lead to them. @module */
import {
  type AccountView,
  type DatasetView,
  Fault,
  type Handler,
  isFault,
  type Json,
  type RouteAsk,
} from '@labgate/contract'
import { json } from './answers.ts'
import type { CaveContext } from './config.ts'
import { assertIs, called, type Fields, fieldsIn, listed, noSuch, numberOf } from './leave.ts'
import { personNumbered } from './people.ts'
import { givenBy, givenName, permissionId } from './permissions.ts'

/** Handlers of datasets. */
export function datasetHandlers(context: CaveContext): Readonly<Record<string, Handler>> {
  return { ...documents(context), ...admins(context), ...groups(context), ...mappings(context) }
}

async function numbered({ access }: CaveContext, number: unknown): Promise<DatasetView | undefined> {
  const id = numberOf(number)
  return id === 0 ? undefined : access.dataset(id)
}

/** A dataset that whoever asks is admin of. */
async function own(context: CaveContext, ask: RouteAsk): Promise<DatasetView> {
  const found = await numbered(context, ask.params.dataset)
  await assertIs(context, ask, { dataset: found?.slug })
  if (!found) throw noSuch('dataset')
  return found
}

function documents(context: CaveContext): Readonly<Record<string, Handler>> {
  const view = async (ask: RouteAsk, { numericId, slug }: Fields): Promise<{ readonly [key: string]: Json }> => {
    const terms = await termsOf(context, ask, String(slug))
    const whole = terms.find(({ version, retiredAt }) => version === undefined && retiredAt === undefined)
    return { id: Number(numericId), name: String(slug), tos_id: whole ? Number(whole.numericId) : null }
  }
  const inSight = async (ask: RouteAsk): Promise<Fields> => {
    const found = await numbered(context, ask.params.dataset)
    if (!found) throw noSuch('dataset')
    const said = { ERR_NOT_FOUND: "dataset doesn't exist" }
    return called(context, ask, { operation: 'getDataset', params: { dataset: found.slug }, said })
  }
  return {
    async datasets(ask) {
      const rights = await context.admin.rights(ask)
      if (!rights.admin && rights.datasets.length === 0) return json([])
      const found = await listed(context, ask, { operation: 'listDatasets' })
      const kept = found.filter(({ slug }) => rights.admin || rights.datasets.includes(String(slug)))
      const views = await Promise.all(kept.map((one) => view(ask, one)))
      return json(views.toSorted((a, b) => Number(a.id) - Number(b.id)))
    },
    async oneDataset(ask) {
      await assertIs(context, ask, 'some')
      return json(await view(ask, await inSight(ask)))
    },
    async newDataset(ask) {
      await assertIs(context, ask, 'super')
      const fields = fieldsIn(ask)
      const missing = ['name', 'tos_id'].filter((name) => fields[name] === undefined)
      if (missing.length > 0) throw new Fault('ERR_INPUT', `Missing fields: ${missing.join(', ')}.`)
      if (typeof fields.name !== 'string' || fields.name.trim() === '')
        throw new Fault('ERR_INPUT', 'name cannot be blank.')
      if (fields.tos_id !== null)
        throw new Fault(
          'ERR_CONFLICT',
          'Terms belong to one dataset: leave tos_id null, then add them with dataset_id.',
        )
      const body = { slug: fields.name, title: fields.name }
      const said = { ERR_CONFLICT: 'dataset already exists.' }
      return json(await view(ask, await called(context, ask, { operation: 'createDataset', body, said })))
    },
    async changeDataset(ask) {
      await assertIs(context, ask, 'some')
      const { id, ...before } = await view(ask, await inSight(ask))
      const fields = fieldsIn(ask)
      const other = Object.keys(before).filter((name) => fields[name] !== undefined && fields[name] !== before[name])
      // Services and grants know it by its name; terms are added to it, and retired.
      if (other.length > 0) throw new Fault('ERR_CONFLICT', `${other.join(', ')} of dataset ${id} cannot be changed.`)
      return json('success')
    },
  }
}

/** None for those who look after people on it, not after the dataset. */
async function termsOf(context: CaveContext, ask: RouteAsk, dataset: string): Promise<readonly Fields[]> {
  try {
    return await listed(context, ask, { operation: 'listTerms', query: { dataset } })
  } catch (error) {
    if (isFault(error) && error.code === 'ERR_NOT_FOUND') return []
    throw error
  }
}

/** Whom a grant is for, as far as it is one person. */
async function holderOf({ accounts }: CaveContext, { subject }: Fields): Promise<AccountView | undefined> {
  const [kind, ...rest] = String(subject).split(':')
  if (kind === 'account') return accounts.find(rest.join(':'))
  return kind === 'name' ? accounts.findByVerifiedEmail(rest.slice(1).join(':')) : undefined
}

function admins(context: CaveContext): Readonly<Record<string, Handler>> {
  const grantsOf = async (ask: RouteAsk, { slug }: DatasetView) => {
    const all = await listed(context, ask, { operation: 'listGrants', query: { dataset: slug } })
    const wanted = all.filter(({ level, version }) => level === 'admin' && version === undefined)
    const held = await Promise.all(wanted.map(async (grant) => ({ grant, holder: await holderOf(context, grant) })))
    return held.flatMap(({ grant, holder }) => (holder ? [{ grant, holder }] : []))
  }
  return {
    async datasetAdmins(ask) {
      const found = await grantsOf(ask, await own(context, ask))
      const people = new Map(found.map(({ holder }) => [holder.numericId, holder.displayName]))
      return json([...people].toSorted(([a], [b]) => a - b).map(([id, name]) => ({ id, name })))
    },
    async addDatasetAdmin(ask) {
      const dataset = await own(context, ask)
      const { user_id } = fieldsIn(ask)
      if (user_id === undefined) throw new Fault('ERR_INPUT', 'Missing user_id.')
      const { id } = await personNumbered(context, user_id)
      if ((await grantsOf(ask, dataset)).some(({ holder }) => holder.id === id))
        throw new Fault('ERR_CONFLICT', 'User is already an admin of this dataset.')
      const body = { subject: `account:${id}`, dataset: dataset.slug, level: 'admin' }
      await called(context, ask, { operation: 'addGrant', body })
      return json('success')
    },
    async endDatasetAdmin(ask) {
      await assertIs(context, ask, 'super')
      const number = numberOf(ask.params.user)
      const found = await grantsOf(ask, await own(context, ask))
      await endAll(
        context,
        ask,
        found.filter(({ holder }) => holder.numericId === number).map(({ grant }) => grant),
      )
      return json('success')
    },
  }
}

function groups(context: CaveContext): Readonly<Record<string, Handler>> {
  const grantsOf = async (ask: RouteAsk, { slug }: DatasetView, subject?: string) => {
    const query = { dataset: slug, ...(subject === undefined ? {} : { subject }) }
    const all = await listed(context, ask, { operation: 'listGrants', query })
    return all.filter(({ version, subject: of }) => version === undefined && String(of).startsWith('group:'))
  }
  const groupNumbered = async (number: unknown) => {
    const id = numberOf(number)
    const found = id === 0 ? undefined : await context.accounts.findGroup(id)
    if (!found) throw noSuch('Group')
    return `group:${found.slug}`
  }
  return {
    async datasetGroups(ask) {
      const rows = await Promise.all(
        (await grantsOf(ask, await own(context, ask))).map(async (grant) => {
          const group = await context.accounts.findGroup(String(grant.subject).slice('group:'.length))
          const permission = givenName(grant)
          const id = group?.numericId ?? 0
          return { id, name: group?.slug ?? '', permission, permission_id: permissionId(permission) }
        }),
      )
      return json(rows.toSorted((a, b) => a.id - b.id || a.permission_id - b.permission_id))
    },
    async addDatasetGroup(ask) {
      const dataset = await own(context, ask)
      const { group_id, permission_ids = [] } = fieldsIn(ask)
      if (group_id === undefined) return json('Missing group_id.', 400)
      if (!Array.isArray(permission_ids)) return json('permission_ids must be a list.', 400)
      const subject = await groupNumbered(group_id)
      // All are known before the first is granted.
      const given = permission_ids.map((id) => givenBy(context, numberOf(id)))
      const present = (await grantsOf(ask, dataset, subject)).map(givenName)
      if (given.some((one) => present.includes(givenName({ ...one }))))
        return json('Dataset already includes group with permission.', 422)
      for (const one of given)
        await called(context, ask, { operation: 'addGrant', body: { subject, dataset: dataset.slug, ...one } })
      return json('success')
    },
    async endDatasetGroup(ask) {
      const dataset = await own(context, ask)
      const subject = await groupNumbered(ask.params.group)
      const id = numberOf(ask.params.permission)
      const found = await grantsOf(ask, dataset, subject)
      await endAll(
        context,
        ask,
        found.filter((grant) => permissionId(givenName(grant)) === id),
      )
      return json('success')
    },
  }
}

async function endAll(context: CaveContext, ask: RouteAsk, grants: readonly Fields[]): Promise<void> {
  for (const { id } of grants) await called(context, ask, { operation: 'endGrant', params: { grant: String(id) } })
}

function mappings(context: CaveContext): Readonly<Record<string, Handler>> {
  const { access, store } = context
  const change = async (ask: RouteAsk, how: (tables: Tables, table: Tables[number]) => Tables | undefined) => {
    await assertIs(context, ask, 'super')
    const { namespace = '', table: name = '', dataset = '' } = ask.params
    // The API replaces the whole list: two that do so at once here wait for each other.
    return store.lock('tables', async () => {
      const found = await access.dataset(dataset)
      if (!found) throw new Fault('ERR_NOT_FOUND', 'Dataset does not exist.')
      const tables = how(found.tables, { namespace, name })
      const params = { dataset: found.slug }
      if (tables !== undefined)
        await called(context, ask, { operation: 'changeDataset', params, body: { tables: [...tables] } })
      return json('success')
    })
  }
  return {
    async mapTable(ask) {
      const { namespace = '', table: name = '' } = ask.params
      await assertIs(context, ask, 'super')
      if (await access.datasetOfTable({ namespace, name }))
        throw new Fault('ERR_CONFLICT', 'Table mapping already exists.')
      return change(ask, (tables, table) => [...tables, table])
    },
    unmapTable: (ask) =>
      change(ask, (tables, { namespace, name }) => {
        const left = tables.filter((one) => one.namespace !== namespace || one.name !== name)
        return left.length === tables.length ? undefined : left
      }),
  }
}

type Tables = DatasetView['tables']
