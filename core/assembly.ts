/**
 * The rooms that need no network, wired once: what the server stands on and what commands work with.
 * @module
 */
import { join } from 'node:path'
import type { Clock, Log, Random } from '@labgate/contract'
import { type Access, createAccess } from './access/access.ts'
import { createLedger, type Ledger } from './access/ledger.ts'
import { createRequestLetters } from './access/request-letters.ts'
import { createStewards, type Stewards } from './access/stewards.ts'
import { type Accounts, createAccounts } from './accounts/accounts.ts'
import { type Approval, createApproval } from './accounts/approval.ts'
import { type Awaited, createAwaited } from './accounts/awaited.ts'
import { type Change, createChange } from './accounts/changes.ts'
import { type ConfigMembers, createConfigMembers } from './accounts/config-members.ts'
import { type Consents, createConsents } from './accounts/consents.ts'
import { createDataHolders, type DataHolders } from './accounts/data-holders.ts'
import { createDirectory, type Directory } from './accounts/directory.ts'
import { createFirstAdmin, type FirstAdmin } from './accounts/first-admin.ts'
import { createGroups, type Groups } from './accounts/groups.ts'
import { createIdentities, type Identities } from './accounts/identities.ts'
import { type AccountInvitations, createAccountInvitations } from './accounts/invitations.ts'
import { createKeeping, type Keeping } from './accounts/keeping.ts'
import { createLanguages, type Languages } from './accounts/languages.ts'
import { type AccountLetters, createAccountLetters } from './accounts/letters.ts'
import { createLife, type Life } from './accounts/life.ts'
import { createManagers, type Managers } from './accounts/managers.ts'
import { createOwnWords, type OwnWords } from './accounts/own-words.ts'
import { createPeople, type People } from './accounts/people.ts'
import { createProfile, type Profile } from './accounts/profile.ts'
import { createServiceAccounts, type ServiceAccounts } from './accounts/service-accounts.ts'
import { createSessions, type Sessions } from './accounts/sessions.ts'
import { createStanding, type Standing } from './accounts/standing.ts'
import { createTokenScopes, type TokenScopes } from './accounts/token-scopes.ts'
import { type ApiTokens, createApiTokens } from './accounts/tokens.ts'
import { systemClock } from './clock.ts'
import { postgresOf, redisOf } from './config/database.ts'
import { sealingSecrets } from './config/demo-key.ts'
import type { Config } from './config/schema.ts'
import type { EgressWatch } from './http/egress.ts'
import { createMail, type MailService } from './mail/mail.ts'
import { type Audit, createAudit } from './observe/audit.ts'
import { type AppLog, createLog } from './observe/log.ts'
import { alsoMetered } from './observe/meter.ts'
import { createMetrics, type Metrics } from './observe/metrics.ts'
import { createSignInWatch, type SignInWatch } from './observe/sign-ins.ts'
import { type ClientRoster, createClientRoster } from './oidc/clients.ts'
import { createDepartures, type Departures } from './oidc/departures.ts'
import { createSigningKeys, type SigningKeys } from './oidc/keys.ts'
import { createPairwise, type Pairwise } from './oidc/pairwise.ts'
import { createRegistrations, type Registrations } from './oidc/registrations.ts'
import { loadTexts, type Text } from './pages/text.ts'
import { systemRandom } from './random.ts'
import { createServices, type Services } from './services.ts'
import type { AccountReads } from './storage/account-rows.ts'
import { openStorage, type Storage, type StorageOptions } from './storage/storage.ts'
import { createWorkspaces, type WorkspacesRoom } from './workspaces/create.ts'
import { createWorkspaceLetters } from './workspaces/letters.ts'
import { createWorkspaceTokens } from './workspaces/tokens.ts'

/** Every service of the rooms below HTTP, by name. */
export interface RoomServices {
  readonly config: Config
  readonly clock: Clock
  readonly random: Random
  readonly log: AppLog
  readonly metrics: Metrics
  readonly storage: Storage
  readonly audit: Audit
  readonly signIns: SignInWatch
  readonly mail: MailService
  readonly accounts: Accounts
  readonly awaited: Awaited
  readonly identities: Identities
  readonly change: Change
  readonly groups: Groups
  readonly managers: Managers
  readonly ownWords: OwnWords
  readonly configMembers: ConfigMembers
  readonly standing: Standing
  readonly profile: Profile
  readonly accountLetters: AccountLetters
  readonly invitations: AccountInvitations
  readonly approval: Approval
  readonly serviceAccounts: ServiceAccounts
  readonly tokens: ApiTokens
  readonly tokenScopes: TokenScopes
  readonly access: Access
  readonly ledger: Ledger
  readonly stewards: Stewards
  readonly workspaces: WorkspacesRoom
  readonly sessions: Sessions
  readonly consents: Consents
  readonly languages: Languages
  readonly people: People
  readonly dataHolders: DataHolders
  readonly life: Life
  readonly directory: Directory
  readonly keeping: Keeping
  readonly firstAdmin: FirstAdmin
  readonly clients: ClientRoster
  readonly departures: Departures
  readonly keys: SigningKeys
  readonly pairwise: Pairwise
  readonly registrations: Registrations
}

/** What may be put in place of the real thing: in tests, and by commands that keep quiet. */
export interface AssemblyOptions {
  readonly replaced?: Partial<RoomServices>
  readonly storage?: Pick<StorageOptions, 'pause' | 'migrate'>
  /** Hears of every host that a plugin reaches. */
  readonly watch?: EgressWatch
  /** Whether a person looks at the terminal. */
  readonly isTty?: boolean
}

export type Rooms = Services<RoomServices>

/** What lives as long as the process: storage, log, and every room that no config changes; and how those of a config stand on it. */
export interface Ground extends Pick<Rooms, 'get'> {
  /** The rooms of a config upon this ground; `kept` are taken over from the rooms of another. */
  furnish(config: Config, kept?: Partial<RoomServices>): Rooms
  /** From now on these are the rooms that what lives longer asks. */
  use(rooms: Rooms): void
}

/** Opens the storage and offers every room on it. Close it by `get('storage').close()`. */
export async function assemble(config: Config, options: AssemblyOptions = {}): Promise<Rooms> {
  const ground = await layGround(config, options)
  const rooms = ground.furnish(config)
  ground.use(rooms)
  return rooms
}

/** Opens the storage, and offers what lives as long as it. Of `config` only that counts which no reload changes. */
export async function layGround(config: Config, options: AssemblyOptions = {}): Promise<Ground> {
  const services = createServices<RoomServices>(options.replaced)
  const { offer, get } = services
  offer('clock', () => systemClock)
  offer('random', () => systemRandom)
  offer('log', () => {
    const style = config.demo && options.isTty === true ? 'human' : 'json'
    return createLog({ clock: get('clock'), level: config.log.level, file: config.log.file, style })
  })
  offer('metrics', () => alsoMetered(createMetrics()))
  const storage = await openStorage({
    file: config.database.file,
    postgres: postgresOf(config),
    redis: redisOf(config),
    clock: get('clock'),
    keys: sealingSecrets(config, get('random')),
    log: get('log'),
    ...options.storage,
  })
  offer('storage', () => storage)
  const late: { rooms: Rooms | undefined } = { rooms: undefined }
  const current: Rooms['get'] = (name) => {
    if (late.rooms === undefined) throw new TypeError(`\`use\` must tell of the rooms before \`${name}\` is asked for`)
    return late.rooms.get(name)
  }
  offerLasting(services, current)
  offerWorkspaces(services, { config, current })
  return {
    get,
    furnish(given, kept) {
      const rooms = createServices<RoomServices>({ ...options.replaced, ...kept }, services)
      offerRooms(rooms, given)
      return rooms
    },
    use(rooms) {
      late.rooms = rooms
    },
  }
}

/** Rooms that no config changes. What they ask of one that it does change, they ask of the current. */
function offerLasting({ offer, get }: Rooms, current: Rooms['get']): void {
  const base = () => ({ storage: get('storage'), clock: get('clock'), random: get('random') })
  const selfSaid = (account: string, rows?: AccountReads) => current('profile').facts(account, rows)
  offer('audit', () => createAudit({ sink: get('storage').audit, log: get('log') }))
  offer('signIns', () => createSignInWatch({ clock: get('clock') }))
  offer('accounts', () => createAccounts(base()))
  offer('identities', () => createIdentities({ ...base(), selfSaid }))
  offer('access', () => createAccess({ storage: get('storage'), clock: get('clock'), selfSaid }))
  offer('change', () =>
    createChange({
      storage: get('storage'),
      log: get('log'),
      authorise: (actor, act) => current('stewards').assertMay(actor, act),
    }),
  )
  offer('standing', () => createStanding({ ...base(), accounts: get('accounts'), change: get('change') }))
  offer('groups', () => createGroups({ ...base(), change: get('change') }))
  offer('ownWords', () => createOwnWords({ ...base(), change: get('change') }))
  offer('managers', () => createManagers({ ...base(), change: get('change') }))
  offer('serviceAccounts', () => createServiceAccounts({ ...base(), accounts: get('accounts'), change: get('change') }))
  offer('tokenScopes', createTokenScopes)
  offer('consents', () => createConsents({ store: get('storage').documents('core:consents'), clock: get('clock') }))
  offer('languages', () => createLanguages({ store: get('storage').documents('core:languages') }))
  offer('dataHolders', createDataHolders)
  offer('directory', () => createDirectory(base()))
  offer('firstAdmin', () => createFirstAdmin({ ...base(), accounts: get('accounts') }))
  offer('keys', () => createSigningKeys(base()))
  offer('departures', () =>
    createDepartures({
      ...{ store: get('storage').documents('core:departures'), clock: get('clock') },
      ...{ artifacts: get('storage').artifacts, audit: get('audit'), log: get('log') },
    }),
  )
  offer('pairwise', () => createPairwise({ store: get('storage').documents('core:pairwise'), random: get('random') }))
}

/** The access room and what changes by the same door. */
function offerLedger({ offer, get }: Pick<Rooms, 'offer' | 'get'>): void {
  const base = () => ({ storage: get('storage'), clock: get('clock'), random: get('random') })
  offer('configMembers', () =>
    createConfigMembers({ storage: get('storage'), groups: get('groups'), named: get('config').groups }),
  )
  offer('tokens', () =>
    createApiTokens({
      ...base(),
      accounts: get('accounts'),
      change: get('change'),
      scopes: get('tokenScopes'),
      lifeSeconds: get('config').access.tokenLife,
      maxSeconds: get('config').access.tokenMaxLife,
    }),
  )
  offer('stewards', () =>
    createStewards({
      access: get('access'),
      accounts: get('accounts'),
      groups: get('groups'),
      steeringCommittee: get('config').access.steeringCommittee,
      storage: get('storage'),
      ownServiceAccounts: get('config').access.ownServiceAccounts ? 'allowed' : 'refused',
    }),
  )
  offer('ledger', () =>
    createLedger({
      ...base(),
      access: get('access'),
      change: get('change'),
      tell: createRequestLetters({
        storage: get('storage'),
        accounts: get('accounts'),
        access: get('access'),
        mail: { send: (message) => get('mail').send(message) },
        log: get('log') as Log,
        siteName: get('config').name,
        issuer: get('config').issuer,
        wordsFor: (account) => wordsFor(get, account),
      }),
    }),
  )
}

/** How people come in who are asked or must wait. */
function offerJoining({ offer, get }: Pick<Rooms, 'offer' | 'get'>): void {
  offer('accountLetters', () =>
    createAccountLetters({
      accounts: get('accounts'),
      mail: { send: (message) => get('mail').send(message) },
      log: get('log') as Log,
      siteName: get('config').name,
      issuer: get('config').issuer,
      wordsFor: (account) => wordsFor(get, account),
    }),
  )
  offer('invitations', () =>
    createAccountInvitations({
      storage: get('storage'),
      clock: get('clock'),
      random: get('random'),
      change: get('change'),
      letters: get('accountLetters'),
      issuer: get('config').issuer,
      rightsOf: (account) => get('stewards').rightsOf(account),
      steeringCommittee: get('config').access.steeringCommittee,
    }),
  )
  offer('approval', () =>
    createApproval({
      storage: get('storage'),
      accounts: get('accounts'),
      identities: get('identities'),
      groups: get('groups'),
      standing: get('standing'),
      letters: get('accountLetters'),
    }),
  )
}

/** Workspaces outlive every config, for a restart of this room would cut off who works there. */
function offerWorkspaces(
  { offer, get }: Rooms,
  { config, current }: { readonly config: Config; readonly current: Rooms['get'] },
): void {
  offer('workspaces', () =>
    createWorkspaces({
      storage: get('storage'),
      clock: get('clock'),
      random: get('random'),
      log: get('log') as Log,
      config: config.workspaces,
      accounts: get('accounts'),
      access: get('access'),
      stewards: { rightsOf: (account) => current('stewards').rightsOf(account) },
      tokens: createWorkspaceTokens({ tokens: () => current('tokens'), clock: get('clock') }),
      tell: (letter) =>
        createWorkspaceLetters({
          accounts: get('accounts'),
          mail: { send: (message) => current('mail').send(message) },
          log: get('log') as Log,
          siteName: current('config').name,
          issuer: config.issuer,
          wordsFor: (account) => wordsFor(current, account),
        })(letter),
    }),
  )
}

/**
 * Words for mail in the language that a person chose, else in the one an upstream says is theirs, else in the site's.
 * Read at the first letter: most commands write none.
 */
export async function wordsFor(get: Rooms['get'], account: string | undefined): Promise<Text> {
  const { branding, language } = get('config')
  const folders = branding.templates === undefined ? [] : [join(branding.templates, 'texts')]
  const texts = loadTexts([join(import.meta.dirname, 'pages', 'texts'), ...folders], language)
  if (account === undefined) return texts.in(language)
  const chosen = await get('languages').of(account)
  if (chosen !== undefined && texts.locales.includes(chosen)) return texts.in(chosen)
  const said = (await get('identities').facts(account)).find(
    ({ claim, trust }) => claim === 'locale' && trust !== 'self',
  )
  return texts.in(texts.choose(typeof said?.value === 'string' ? said.value.replaceAll('_', '-') : undefined))
}

/** The rooms of a config. */
function offerRooms({ offer, get }: Rooms, config: Config): void {
  const base = () => ({ storage: get('storage'), clock: get('clock'), random: get('random') })
  offer('config', () => config)
  offer('mail', () =>
    createMail({ config: config.mail, clock: get('clock'), log: get('log') as Log, siteName: config.name }),
  )
  offer('profile', () =>
    createProfile({ ...base(), change: get('change'), questions: config.profile.questions, issuer: config.issuer }),
  )
  offerLedger({ offer, get })
  offerJoining({ offer, get })
  offer('keeping', () =>
    createKeeping({
      change: get('change'),
      audit: get('audit'),
      identities: get('identities'),
      sessions: get('sessions'),
      standing: get('standing'),
    }),
  )
  offer('life', () =>
    createLife({
      ...base(),
      change: get('change'),
      accounts: get('accounts'),
      sessions: get('sessions'),
      consents: get('consents'),
      languages: get('languages'),
      holders: get('dataHolders'),
    }),
  )
  offer('clients', () => createClientRoster({ ...base(), config: config.clients, registrations: get('registrations') }))
  offer('registrations', () =>
    createRegistrations({
      ...{ store: get('storage').documents('core:registrations'), clock: get('clock'), random: get('random') },
      unusedSeconds: config.clientRegistration.unusedLife,
    }),
  )
  offer('people', () =>
    createPeople({
      ...base(),
      accounts: get('accounts'),
      identities: get('identities'),
      registration: config.registration,
      admins: config.admins,
      members: get('configMembers'),
      invitations: get('invitations'),
      awaited: get('awaited'),
    }),
  )
  offer('awaited', () =>
    createAwaited({
      storage: get('storage'),
      change: get('change'),
      merge: (...asked) => get('life').merge(...asked),
    }),
  )
  offer('sessions', () =>
    createSessions({
      store: get('storage').sessions,
      accounts: get('accounts'),
      clock: get('clock'),
      lifetimes: config.session,
      host: new URL(config.issuer).host,
    }),
  )
}
