/** The sign-in with GitHub, by the three values that datalab's list of organisations has. @module */
import { type Tree, treeOf, type Work } from './mapped.ts'
import { appOf, autoOf, entryOf, type Made, type Needs, nothing, type State } from './provider.ts'

const organizationPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/

/** The list, by what datalab's code does with it: null is anybody, an empty one nobody new, a list its members at once. */
export function github(work: Needs): Made | undefined {
  const { find, note, isSet, texts, wrong } = work
  const about = 'GITHUB_ORG_ALLOW_LIST'
  const app = appOf(work, 'GITHUB', 'github')
  const found = find(about)
  const list = texts(found)
  const auto = autoOf(work, { id: 'github', isThere: app !== undefined })
  if (found && list?.some((one) => !organizationPattern.test(one)))
    wrong(found, 'must list organisations by id (better) or name, without address')
  if (found && list && list.length > 50)
    wrong(found, `lists ${list.length} organisations; here 50 fit, so use teams or an organisation above them`)
  if (app === undefined) {
    if (isSet(about) || found) note('decide', about, nothing('github'))
    else note('notSet', about, 'no sign-in `github`')
    return undefined
  }
  const { clientId, clientSecret, secret } = app
  const [state, allow] = githubRule({ list, auto })
  tellGithub(work, { list, isSet: found !== undefined, auto })
  const config = treeOf({ clientId, clientSecret, allow })
  return { entry: entryOf('github', 'auth-github', { config, state }), secret }
}

interface GithubList {
  readonly list: readonly string[] | null | undefined
  readonly auto: boolean
}

function githubRule({ list, auto }: GithubList): readonly [State, Tree | undefined] {
  if (list === null) return [auto ? 'active' : 'pending', { mode: 'anyone' }]
  if (list === undefined || list.length === 0) return ['refused', undefined]
  const organizations = list.map((one) => (/^[1-9][0-9]{0,14}$/.test(one) ? Number(one) : one))
  return ['active', { mode: 'organizations', organizations }]
}

function tellGithub(
  { note }: Work,
  { list, isSet, auto }: { list: readonly string[] | null | undefined; isSet: boolean; auto: boolean },
): void {
  const about = 'GITHUB_ORG_ALLOW_LIST'
  const opened = auto ? '; datalab let everybody in all the same, because accounts are activated: that was a fault' : ''
  if (!isSet)
    note(
      'decide',
      about,
      `not set, so nobody new comes in by GitHub, as with datalab’s default []; for anybody set plugins.github.admission.state to pending${opened}`,
    )
  else if (list === null)
    note(
      'taken',
      about,
      `null: plugins.github.config.allow, anybody with an account, ${auto ? 'active at once' : 'waiting for an admin'}. datalab’s guide says the reverse of its code; this is the code`,
    )
  else if (list?.length === 0)
    note('taken', about, `[]: plugins.github.admission.state is refused, nobody new${opened}`)
  else note('taken', about, 'plugins.github.config.allow: members are active at once, and who leaves stays out')
}
