/** The whole demo on this machine: the university, Labgate and the application, started and stopped together. @module */
import { createLabgate, type Labgate, type LoadedConfig } from '@labgate/core'
import { startRelyingParty } from './relying-party.ts'
import { type Site, startUniversity } from './university.ts'

/** In the config for everybody to read: it proves nothing, and is taken with `demo: true` only. */
const clientSecret = 'demo-only-not-a-secret'

/** A demo that runs. */
export interface Demo {
  readonly issuer: string
  /** Origin of the demo application. */
  readonly application: string
  /** Origin of the demo university. */
  readonly university: string
  readonly firstAdminCode: string | undefined
  readonly labgate: Labgate
  /** Stops all three. */
  stop(): Promise<void>
}

/**
 * Starts all three where the config says they are: Labgate at `listen`, the university at the issuer of the plugin
 * `university`, the application at the redirect URI of the client `demo-rp`.
 * @throws Error that names the address that is taken, with nothing left running
 */
export async function startDemo(loaded: LoadedConfig): Promise<Demo> {
  const { config } = loaded
  const { issuer } = config
  const at = places(config)
  const open: { stop(): Promise<void> }[] = []
  const stop = async () => void (await Promise.allSettled(open.map((one) => one.stop())))
  const keep = (site: Site) => {
    open.push({ stop: site.close })
    return site
  }
  try {
    const labgate = await createLabgate(loaded)
    open.push(labgate)
    const university = keep(
      await startUniversity({
        port: at.university,
        clientId: 'labgate',
        clientSecret,
        redirectUris: [`${issuer}/sign-in/university/callback`],
        postLogoutRedirectUris: [`${issuer}/`],
      }).catch(explain('university', 'LABGATE_PLUGINS__UNIVERSITY__CONFIG__ISSUER')),
    )
    const application = keep(
      await startRelyingParty({ port: at.application, issuer, clientId: 'demo-rp', clientSecret }).catch(
        explain('application', 'redirectUris of the client demo-rp'),
      ),
    )
    const { firstAdminCode } = await labgate.start()
    return { issuer, application: application.origin, university: university.origin, firstAdminCode, labgate, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function places({ clients, plugins }: LoadedConfig['config']): { university: number; application: number } {
  const { issuer } = (plugins.university?.config ?? {}) as { issuer?: string }
  const [redirectUri] = clients['demo-rp']?.redirectUris ?? []
  if (issuer === undefined || redirectUri === undefined)
    throw new Error('the demo needs the plugin `university` and the client `demo-rp` in its config')
  return { university: portOf(issuer), application: portOf(redirectUri) }
}

function portOf(address: string): number {
  return Number(new URL(address).port || 80)
}

/** Words for a place that is taken, and where another one is chosen. */
function explain(who: string, where: string): (error: NodeJS.ErrnoException & { port?: number }) => never {
  return (error) => {
    if (error.code !== 'EADDRINUSE') throw error
    const what = `the demo ${who} cannot listen on 127.0.0.1:${error.port}: another process listens there`
    throw new Error(`${what}, perhaps another demo; stop it, or change the port in the config (${where})`, {
      cause: error,
    })
  }
}
