/**
 * A page with the credentials providers and stores of the npm Neuroglancer as they are, without its canvas: it reads addresses
 * as a layer does, and its status messages and buttons stand in the page.
 * @module
 */
import { getDefaultCredentialsManager } from 'neuroglancer/unstable/credentials_provider/default_manager.js'
import { fetchOkWithOAuth2Credentials } from 'neuroglancer/unstable/credentials_provider/oauth2.js'
import { KvStoreContext } from 'neuroglancer/unstable/kvstore/context.js'
import { frontendOnlyKvStoreProviderRegistry } from 'neuroglancer/unstable/kvstore/frontend.js'
import { frontendBackendIsomorphicKvStoreProviderRegistry } from 'neuroglancer/unstable/kvstore/register.js'
import 'neuroglancer/unstable/kvstore/middleauth/register_credentials_provider.js'
import 'neuroglancer/unstable/kvstore/middleauth/register_frontend.js'
import 'neuroglancer/unstable/kvstore/ngauth/register.js'
import 'neuroglancer/unstable/kvstore/ngauth/register_credentials_provider.js'

const kvStoreContext = new KvStoreContext()
const credentialsManager = getDefaultCredentialsManager()
for (const registry of [frontendBackendIsomorphicKvStoreProviderRegistry, frontendOnlyKvStoreProviderRegistry])
  registry.applyToContext({ kvStoreContext, credentialsManager })

/** What became of the readings, by the name the test gave them. */
const results = {}

window.viewer = {
  results,
  /** As a layer reads: `gs+ngauth+…` or `middleauth+https…`. `missing` is what Neuroglancer takes for a file that is not there. */
  read: (name, url) =>
    keep(name, async () => {
      const found = await kvStoreContext.read(url)
      return found === undefined ? { missing: true } : { text: await found.response.text() }
    }),
  /** With the provider of middleauth alone, for which Neuroglancer has no address over plain http. */
  fetchWithMiddleAuth: (name, url) =>
    keep(name, async () => {
      const provider = credentialsManager.getCredentialsProvider('middleauthapp', new URL(url).origin)
      return { text: await (await fetchOkWithOAuth2Credentials(provider, url, {})).text() }
    }),
}

function keep(name, work) {
  delete results[name]
  work().then(
    (result) => {
      results[name] = result
    },
    (error) => {
      results[name] = { error: String(error), name: error?.constructor?.name }
    },
  )
}
