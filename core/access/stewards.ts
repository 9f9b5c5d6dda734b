/**
 * Who may change the ledger. Site admins: everything. The steering committee names dataset admins. A dataset admin
 * keeps that dataset, and grants below `admin` on it. A team lead (`manage` on the dataset, manager of the group)
 * grants up to `manage` to people, within the group. A group's managers keep its members.
 * What is held on a frozen dataset counts for nobody, so only a site admin opens one again.
 * @module
 */
import { type AccessFace, type AccountId, Fault, type Level, type Snapshot } from '@labgate/contract'
import type { Accounts } from '../accounts/accounts.ts'
import type { Act, Actor, Authorise } from '../accounts/actor.ts'
import type { Groups } from '../accounts/groups.ts'
import type { Storage } from '../storage/storage.ts'

/** What somebody may look after. */
export interface Rights {
  readonly admin: boolean
  readonly steering: boolean
  /** Datasets held at `admin`, now, whether or not their terms are accepted. */
  readonly datasets: readonly string[]
  /** Datasets held at `manage` or more, now. */
  readonly managed: readonly string[]
  /** Groups they manage. */
  readonly groups: readonly string[]
  /** Whether there is anything for them in the console. */
  readonly any: boolean
}

/** The rules, and what follows from them for one account. */
export interface Stewards {
  /** Of an account that may not act, or is not known: nothing. */
  rightsOf(account: AccountId): Promise<Rights>
  /** Gives leave by the rules; the house itself (a system actor) needs none. @throws Fault ERR_FORBIDDEN saying who could do it */
  readonly assertMay: Authorise
}

/** What the rules stand on. */
export interface StewardNeeds {
  readonly access: Pick<AccessFace, 'snapshot'>
  readonly accounts: Pick<Accounts, 'find' | 'mayAct'>
  readonly groups: Pick<Groups, 'managedBy'>
  readonly storage: { readonly accountRows: Pick<Storage['accountRows'], 'groupsFrom'> }
  /** Slug of the group whose members name dataset admins. */
  readonly steeringCommittee: string
  /** Whether people may have service accounts of their own; default `refused`. */
  readonly ownServiceAccounts?: 'allowed' | 'refused'
}

/** Memberships that count for the steering committee: an upstream's word must never name dataset admins. */
const trustedSources = ['admin', 'config']

const none: Rights = { admin: false, steering: false, datasets: [], managed: [], groups: [], any: false }

/** Makes the rules. */
export function createStewards(needs: StewardNeeds): Stewards {
  const rightsOf = async (id: AccountId): Promise<Rights> => {
    const account = await needs.accounts.find(id)
    if (account === undefined || !(await needs.accounts.mayAct(id))) return none
    const { grants } = await needs.access.snapshot(id)
    const admin = account.role === 'admin'
    const trusted = await Promise.all(trustedSources.map((source) => needs.storage.accountRows.groupsFrom(id, source)))
    const steering = trusted.some((groups) => groups.includes(needs.steeringCommittee))
    const [datasets, managed] = [heldAt(grants, ['admin']), heldAt(grants, ['manage', 'admin'])]
    const groups = await needs.groups.managedBy(id)
    const any = admin || steering || managed.length > 0 || groups.length > 0
    return { admin, steering, datasets, managed, groups, any }
  }
  const isOwnServiceAccount = async (actor: AccountId, id: AccountId) =>
    (await needs.accounts.find(id))?.parent === actor

  const ruled = async (actor: Actor & { kind: 'account' }, act: Act, rights: Rights): Promise<Ruling> => {
    switch (act.on) {
      case 'dataset':
        return datasetRuling(act, rights)
      case 'grant':
        return grantRuling(act, rights)
      case 'terms':
      case 'request':
        return keeperRuling(act.dataset, rights)
      case 'group':
        return groupRuling(act, rights)
      case 'invitation':
        return invitationRuling(act, rights)
      case 'service-account': {
        const allowed = needs.ownServiceAccounts === 'allowed'
        const isOwn = act.parent === actor.account && (await isPerson(needs, actor.account))
        return { may: allowed && isOwn, who: allowed ? 'a site admin, or a person for themselves' : 'a site admin' }
      }
      case 'token':
        return {
          may: act.account === actor.account || (await isOwnServiceAccount(actor.account, act.account)),
          who: 'the account itself, whom a service account belongs to, or a site admin',
        }
      case 'profile':
        return { may: act.account === actor.account, who: 'the person themselves, or a site admin' }
      default:
        // An act of a later Labgate: what nobody has thought about is for site admins.
        return { may: false, who: 'a site admin' }
    }
  }

  return {
    rightsOf,
    async assertMay(actor, act) {
      if (actor.kind === 'system') return
      const rights = await rightsOf(actor.account)
      if (rights.admin) return
      // No token and no session outlives the account; but leave is asked last, and asks for itself.
      if (!(await needs.accounts.mayAct(actor.account)))
        throw new Fault('ERR_FORBIDDEN', 'This account may not act at the moment.')
      const { may, who } = await ruled(actor, act, rights)
      if (!may) throw new Fault('ERR_FORBIDDEN', `This needs ${who}.`, { detail: { act } })
    },
  }
}

/** Whether it is allowed to one who is no site admin, and who could do it. */
interface Ruling {
  readonly may: boolean
  readonly who: string
}

async function isPerson({ accounts }: StewardNeeds, id: AccountId): Promise<boolean> {
  return (await accounts.find(id))?.kind === 'person'
}

/**
 * A version's own entry is left out: who keeps a version does not keep the dataset. Named permissions never count here.
 * Terms stand between people and data, not between a keeper and the ledger: new terms must lock no keeper out.
 */
function heldAt(grants: Snapshot['grants'], enough: readonly Level[]): readonly string[] {
  return grants
    .filter(
      ({ version, beforeTerms: { level } }) => version === undefined && level !== undefined && enough.includes(level),
    )
    .map(({ dataset }) => dataset)
}

// The words never name the dataset: who came by a grant's number or a table must not learn a hidden slug.
function keeperRuling(dataset: string | undefined, { datasets }: Rights): Ruling {
  return dataset === undefined
    ? { may: false, who: 'a site admin' }
    : { may: datasets.includes(dataset), who: 'an admin of the dataset, or a site admin' }
}

function datasetRuling(act: Act & { on: 'dataset' }, rights: Rights): Ruling {
  // Creating, removing and binding could claim what belongs to another dataset.
  return act.do === 'change' ? keeperRuling(act.dataset, rights) : { may: false, who: 'a site admin' }
}

function grantRuling(act: Act & { on: 'grant' }, rights: Rights): Ruling {
  if (act.level === 'admin')
    return { may: rights.steering, who: 'the steering committee, or a site admin: they name the admins of datasets' }
  const keeper = keeperRuling(act.dataset, rights)
  const within = act.withinGroup
  const leads =
    act.level !== undefined &&
    (act.subject.startsWith('account:') || act.subject.startsWith('name:')) &&
    rights.managed.includes(act.dataset) &&
    within !== undefined &&
    rights.groups.includes(within)
  return {
    may: keeper.may || leads,
    who: 'an admin of the dataset; one who manages it and a group, for people within that group; or a site admin',
  }
}

function groupRuling(act: Act & { on: 'group' }, { groups }: Rights): Ruling {
  return act.do === 'members'
    ? { may: groups.includes(act.group), who: `a manager of the group ${act.group}, or a site admin` }
    : { may: false, who: 'a site admin' }
}

function invitationRuling(act: Act & { on: 'invitation' }, { groups }: Rights): Ruling {
  const within = act.groups.length > 0 && act.groups.every((slug) => groups.includes(slug))
  return {
    may: act.role === 'user' && within,
    who: 'a site admin; or a manager of every group named, for an account without a role of its own',
  }
}
