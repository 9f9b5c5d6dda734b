/**
 * Permissions by number: the four levels, then those that the config names. middle_auth keeps them in a table; here a
 * permission is a word that a grant says.
 * @module
 */
import { createHash } from 'node:crypto'
import { Fault, type Handler, levels } from '@labgate/contract'
import { json } from './answers.ts'
import type { CaveContext } from './config.ts'
import { assertIs, type Fields, fieldsIn, noSuch, numberOf, textsIn } from './leave.ts'

/** What a grant gives: a level, or a permission of another name. */
export interface Given {
  readonly level?: string
  readonly permission?: string
}

/** The number of a permission: `view` is 1 and `edit` is 2, as services have it from middle_auth. */
export function permissionId(name: string): number {
  // Any word may be asked for.
  const level = (levels as readonly string[]).indexOf(name)
  // Of the name alone, so that it stays the same whatever the config names beside it.
  return level >= 0 ? level + 1 : 1000 + createHash('sha256').update(name).digest().readUIntBE(0, 4)
}

/** What the number of a permission gives. @throws Fault ERR_NOT_FOUND */
export function givenBy({ config }: CaveContext, id: number): Given {
  const level = levels[id - 1]
  if (level !== undefined) return { level }
  const permission = config.permissions.find((name) => permissionId(name) === id)
  if (permission === undefined) throw noSuch('permission')
  return { permission }
}

/** The name of what a grant gives. */
export function givenName({ level, permission }: Fields): string {
  return String(level ?? permission ?? '')
}

/** Handlers of permissions. */
export function permissionHandlers(context: CaveContext): Readonly<Record<string, Handler>> {
  const all = () => [...new Set([...levels, ...context.config.permissions])]
  const view = (name: string) => ({ id: permissionId(name), name })
  const found = (id: string | undefined) => {
    const name = all().find((one) => permissionId(one) === numberOf(id))
    if (name === undefined) throw noSuch('permission')
    return name
  }
  return {
    async permissionList({ url }) {
      const part = (url.searchParams.get('name') ?? '').toLowerCase()
      return json(
        all()
          .filter((name) => name.toLowerCase().includes(part))
          .map(view),
      )
    },
    async onePermission(ask) {
      await assertIs(context, ask, 'some')
      return json(view(found(ask.params.id)))
    },
    async newPermission(ask) {
      await assertIs(context, ask, 'super')
      const { name } = textsIn(ask, ['name'])
      if (all().includes(name)) throw new Fault('ERR_CONFLICT', 'permission already exists.')
      throw new Fault('ERR_CONFLICT', 'Permissions are named in the config of Labgate: `permissions`.')
    },
    async changePermission(ask) {
      await assertIs(context, ask, 'super')
      const { name } = fieldsIn(ask)
      if (name === undefined || name === found(ask.params.id)) return json('success')
      throw new Fault('ERR_CONFLICT', 'The name of a permission is what services ask for: it does not change.')
    },
  }
}
