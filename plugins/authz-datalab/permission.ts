/**
 * datalab's permission rule for one item, for whoever stands before a datalab and must say yes or no. Pure. People and
 * groups are named by their 24-digit ids.
 * @module
 */

/** Who asks; `managed` are those whom they manage. */
export interface Asker {
  readonly id: string
  readonly status: 'active' | 'unverified' | 'deactivated'
  readonly role: 'user' | 'manager' | 'admin'
  readonly groups: readonly string[]
  readonly managed: readonly string[]
}

/** Whose an item or a collection is. */
export interface Owned {
  readonly creators: readonly string[]
  readonly groups: readonly string[]
}

/** An item, and the collections it is in. */
export interface Item extends Owned {
  readonly type: string
  readonly collections: readonly Owned[]
}

/** What is asked. */
export interface PermissionAsk {
  /** `undefined`: nobody is signed in. */
  readonly asker: Asker | undefined
  readonly item: Item
  readonly act: 'read' | 'write' | 'delete'
  /** An admin who reads asks for it (`?sudo=1`); without it they are a user like others. */
  readonly sudo: boolean
  /** A token of this one item (`?at=`): a wrong one refuses whoever brings it. */
  readonly itemToken: 'none' | 'valid' | 'wrong'
}

/** `unauthenticated` is 401, `refused` 404 or 403: the item is not there for them. */
export type Permission = 'allowed' | 'refused' | 'unauthenticated'

/** The creator of what is public on purpose. */
export const publicUser = '0'.repeat(24)
/** Everybody who is active looks after these. */
const shared = ['starting_materials', 'equipment']

/** Whether it may be done. */
export function permissionOf({ asker, item, act, sudo, itemToken }: PermissionAsk): Permission {
  if (itemToken === 'wrong') return 'unauthenticated'
  if (itemToken === 'valid' && act === 'read') return 'allowed'
  if (asker?.status === 'active' && asker.role === 'admin' && (act !== 'read' || sudo)) return 'allowed'
  if (act === 'read') return isReadable(asker, item) ? 'allowed' : 'refused'
  if (asker?.status !== 'active') return 'unauthenticated'
  const isTheirs = isBy(asker, item)
  if (act === 'delete') return isTheirs ? 'allowed' : 'refused'
  return isTheirs || shared.includes(item.type) ? 'allowed' : 'refused'
}

/** Of a collection its items are read, never changed. */
function isReadable(asker: Asker | undefined, item: Item): boolean {
  return [item, ...item.collections].some((one) => isOpen(one) || (asker !== undefined && isWithin(asker, one)))
}

function isOpen({ creators }: Owned): boolean {
  return creators.length === 0 || creators.includes(publicUser)
}

function isWithin(asker: Asker, owned: Owned): boolean {
  return isBy(asker, owned) || owned.groups.some((group) => asker.groups.includes(group))
}

function isBy({ id, managed }: Asker, { creators }: Owned): boolean {
  return creators.some((creator) => creator === id || managed.includes(creator))
}
