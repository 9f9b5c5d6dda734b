/** The demo with every sign-in there is, each at a stand-in of its own, and how a person gets through each. @module */
import { auth0Client, startAuth0 } from '../support/auth0-upstream.ts'
import { type DemoFile, startTestDemo, type TestDemo } from '../support/demo.ts'
import { githubApp, primary, startGitHub } from '../support/github.ts'
import { googleClient, startGoogle } from '../support/google-upstream.ts'
import { labKey, startLabArchives } from '../support/labarchives.ts'
import { startOrcid } from '../support/orcid-upstream.ts'
import type { Visitor } from '../support/visitor.ts'

/** One way in: the instance, its button, and who comes that way. */
export interface WayIn {
  readonly instance: string
  /** The button on the chooser. */
  readonly button: string
  /** What the demo application calls the person. */
  readonly person: string
  /** From the chooser to the consent page. */
  through(visitor: Visitor, demo: TestDemo): Promise<void>
}

const consent = 'Allow Demo application?'
const josiah = '0000-0002-1825-0097'
const maria = 'maria@example.org'

/** Every sign-in, in the order of the chooser. */
export const waysIn: readonly WayIn[] = [
  {
    instance: 'email',
    button: 'Send me a code',
    person: 'maria',
    through: (visitor, { folder }) => visitor.signInByEmail(maria, { folder, heading: consent }),
  },
  away({ instance: 'auth0', label: 'Auth0', who: 'otto', person: 'Otto Null' }),
  away({ instance: 'github', label: 'GitHub', heading: 'Authorize Labgate', who: 'gina', person: 'Gina Hub' }),
  away({ instance: 'google', label: 'Google', who: '1', person: 'Gwen Google' }),
  away({ instance: 'labarchives', label: 'LabArchives', who: 'grace', person: 'Grace Hopper' }),
  away({ instance: 'orcid', button: 'Sign in with ORCID', label: 'ORCID', who: josiah, person: 'Josiah Carberry' }),
  away({
    instance: 'university',
    label: 'Demo University',
    heading: 'Who are you today?',
    who: /Ada/,
    person: 'Ada Lovelace',
  }),
]

/** A way by a page of somebody else, where one clicks who one is. */
function away(at: {
  readonly instance: string
  readonly label: string
  readonly button?: string
  readonly heading?: string
  readonly who: string | RegExp
  readonly person: string
}): WayIn {
  const { instance, person, who, heading = 'Who are you?', button = `Continue with ${at.label}` } = at
  return {
    instance,
    button,
    person,
    async through(visitor) {
      const { page } = visitor
      await page.getByRole('button', { name: button, exact: true }).click()
      await visitor.expect(heading)
      await page.getByRole('button', { name: who, exact: true }).click()
      await visitor.expect(consent)
    },
  }
}

/** The demo, and the packages its instances use. */
export interface AllSignIns extends TestDemo {
  readonly uses: readonly string[]
}

/** Starts the demo and the stand-ins. */
export async function startAllSignIns(place?: Parameters<typeof startTestDemo>[1]): Promise<AllSignIns> {
  let uses: string[] = []
  const open: (() => unknown)[] = []
  const close = async () => void (await Promise.allSettled(open.map((stop) => stop())))
  const add = async (file: DemoFile) => {
    for (const [id, start] of Object.entries(standIns)) {
      const { config, close: stop } = await start(`${file.issuer}/sign-in/${id}/callback`)
      open.push(stop)
      file.plugins[id] = { use: `@labgate/auth-${id}`, config }
    }
    uses = Object.values(file.plugins).map(({ use }) => String(use))
  }
  try {
    const demo = await startTestDemo(add, place)
    return { ...demo, uses, stop: () => demo.stop().finally(close) }
  } catch (error) {
    await close()
    throw error
  }
}

interface StandIn {
  readonly config: Record<string, unknown>
  close(): Promise<void>
}

const standIns: Readonly<Record<string, (redirectUri: string) => Promise<StandIn>>> = {
  async github(redirectUri) {
    const gina = { id: 4711, login: 'gina', name: 'Gina Hub', emails: [primary('gina@example.org')] }
    const github = await startGitHub({ people: [gina], organizations: [], callbacks: [redirectUri] })
    return { config: { ...githubApp, url: github.url }, close: github.close }
  },
  async google(redirectUri) {
    const gwen = { sub: '1', name: 'Gwen Google', email: 'gwen@example.edu', email_verified: true, hd: 'example.edu' }
    const google = await startGoogle({ users: [gwen], redirectUris: [redirectUri] })
    return { config: { ...application(googleClient), issuer: google.issuer }, close: google.close }
  },
  async orcid(redirectUri) {
    const people = [{ id: josiah, given_name: 'Josiah', family_name: 'Carberry' }]
    const orcid = await startOrcid({ people, redirectUris: [redirectUri] })
    return { config: orcid.config, close: orcid.close }
  },
  async auth0(redirectUri) {
    const otto = { sub: 'otto', name: 'Otto Null', email: 'otto@example.com', email_verified: true }
    const auth0 = await startAuth0({ users: [otto], redirectUris: [redirectUri] })
    return { config: { ...application(auth0Client), domain: auth0.issuer, label: 'Auth0' }, close: auth0.close }
  },
  async labarchives() {
    const lab = await startLabArchives()
    return { config: { ...labKey, baseUrl: lab.origin, minIntervalMs: 0 }, close: lab.close }
  },
}

function application(client: { readonly client_id: string; readonly client_secret: string }) {
  return { clientId: client.client_id, clientSecret: client.client_secret }
}
