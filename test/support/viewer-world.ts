/**
 * A whole Labgate, a viewer and a site that nobody listed, each a site of its own to a real Chromium. Over http as on one's own
 * machine: Labgate at localhost and 127.0.0.1. Over https as in a lab: at names, behind a proxy that ends TLS.
 * @module
 */
import type { Browser, BrowserContext } from 'playwright-core'
import type { AssemblyOptions } from '../../core/assembly.ts'
import { openIncognito, openProfile } from './browser.ts'
import { forwardTo, type Hosts, openHosts, type Scheme } from './hosts.ts'
import { freePort, type Part, startLabgate, type TestLabgate } from './labgate.ts'
import { tempFolder } from './program.ts'
import { viewerSite } from './viewer-page.ts'

/** Origins of the world. */
export interface Origins {
  readonly issuer: string
  /** Labgate's other host, for a dialect that needs one of its own. */
  readonly dialect: string
  /** The page with the npm Neuroglancer. */
  readonly viewer: string
  /** The same page where no config names it. */
  readonly stranger: string
}

/** The running world. */
export interface ViewerWorld extends Origins {
  readonly site: TestLabgate
  readonly hosts: Hosts
  /** Port of Labgate itself. */
  readonly port: number
  /** The browser that most people have: cookies go to other sites. */
  readonly context: BrowserContext
  /** One that sends none there, as private windows do; make contexts in it with `ignoreHTTPSErrors`. */
  readonly secretive: Browser
  /** Forgets who was signed in, and closes the pages. */
  forget(): Promise<void>
  close(): Promise<void>
}

/** Starts it; `names` are further hosts to serve. Ask `needs('chromium', 'openssl')` and `npmNeeds('neuroglancer')` first. */
export async function startViewerWorld(
  scheme: Scheme,
  labgate: {
    readonly names?: readonly string[]
    readonly replaced?: AssemblyOptions['replaced']
    part(origins: Origins, hosts: Hosts): Part | Promise<Part>
  },
): Promise<ViewerWorld> {
  const folder = await tempFolder()
  const own = ['viewer.test', 'stranger.test', 'id.lab.example', 'data.lab.example']
  const hosts = await openHosts([...own, ...(labgate.names ?? [])])
  const port = await freePort()
  const pages = await viewerSite()
  for (const name of own) hosts.serve(name, name.endsWith('.test') ? pages : forwardTo(port))
  const at = (name: string) => hosts.origin(scheme, name)
  const local = { issuer: `http://localhost:${port}`, dialect: `http://127.0.0.1:${port}` }
  const named = { issuer: at('id.lab.example'), dialect: at('data.lab.example') }
  const origins = {
    ...(scheme === 'http' ? local : named),
    ...{ viewer: at('viewer.test'), stranger: at('stranger.test') },
  }
  const part = { issuer: origins.issuer, proxies: ['127.0.0.1'], ...(await labgate.part(origins, hosts)) }
  const [site, context, secretive] = await Promise.all([
    startLabgate(part, { port, ...(labgate.replaced ? { replaced: labgate.replaced } : {}) }),
    openProfile(folder.path, { rules: hosts.rules, ignoreHTTPSErrors: true }),
    openIncognito({ rules: hosts.rules }),
  ])
  return {
    ...{ ...origins, site, hosts, port, context, secretive },
    async forget() {
      // A profile without any page ends.
      for (const page of context.pages().slice(1)) await page.close()
      await context.clearCookies()
    },
    async close() {
      await context.close()
      await secretive.close()
      await site.stop()
      await hosts.close()
      await folder.remove()
    },
  }
}
