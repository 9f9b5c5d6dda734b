/** Adding a relying party at the console: a program that many labs have, where it is, and what to paste at its side. @module */
import { Fault } from '@labgate/contract'
import type { Rights } from '../access/stewards.ts'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import type { Desk } from '../login/desk.ts'
import type { Audit } from '../observe/audit.ts'
import { isPreset } from '../oidc/client-presets.ts'
import { type PresetName, presetNames, programNames } from '../oidc/client-recipes.ts'
import type { AddClient, AddedClient } from '../oidc/new-client.ts'
import type { Notice } from '../pages/views.ts'
import type { ConsoleFrame, Visit } from './frame.ts'
import { framed, typedIn } from './typed.ts'

/** What the page stands on. */
export interface ClientNewNeeds {
  readonly desk: Desk
  readonly addClient: AddClient
  readonly audit: Audit
}

const at = '/console/clients/new'
const room = 'clients'
const may = ({ admin }: Rights) => admin

/** Routes of `/console/clients/new`. */
export function clientNewRoutes(frame: ConsoleFrame, needs: ClientNewNeeds): Route[] {
  const { desk, addClient, audit } = needs
  const form = async (ctx: Ctx, visit: Visit, notice?: Notice): Promise<void> => {
    frame.show(ctx, 'console-client-new', {
      frame: await framed(frame, { ctx, visit, room, notice }),
      post: frame.post(ctx, at),
      presets: presetNames.map((name) => ({
        ...{ name, title: titleOf(name, desk.text(ctx, 'console.clients.other')) },
        text: desk.text(ctx, `console.clients.presets.${name}.text`),
      })),
      typed: typedIn(ctx),
    })
  }
  return [
    frame.page(at, (ctx, visit) => form(ctx, visit), may),
    frame.form(at, {
      may,
      again: form,
      async apply(ctx, visit) {
        const asked = askedIn(ctx, desk)
        const added = await addClient(asked)
        const { account, address, requestId } = visit.actor
        await audit({ actor: account, address, requestId, type: 'client.added', client: added.id })
        // On this page and nowhere else: nobody can read the secret again.
        await showAdded(ctx, visit, { frame, desk, preset: asked.preset.name, added })
        return 'answered'
      },
    }),
  ]
}

function askedIn(ctx: Ctx, { text }: Desk) {
  const typed = typedIn(ctx)
  const { preset = '', url = '', firstParty } = typed
  const [id, name, redirectUri] = [typed.id?.trim() ?? '', typed.name?.trim(), typed.redirectUri?.trim()]
  if (!isPreset(preset)) throw new Fault('ERR_INPUT', text(ctx, 'console.clients.chooseOne'))
  const settings = {
    name: name || titleOf(preset, id),
    ...(redirectUri ? { redirectUris: [redirectUri] } : {}),
    ...(firstParty === undefined ? {} : { firstParty: true }),
  }
  return { id, preset: { name: preset, url }, settings }
}

const titleOf = (preset: PresetName, other: string) => (preset === 'generic' ? other : programNames[preset])

async function showAdded(
  ctx: Ctx,
  visit: Visit,
  { frame, desk, preset, added }: { frame: ConsoleFrame; desk: Desk; preset: PresetName; added: AddedClient },
): Promise<void> {
  const { id, settings, recipe } = added
  // Where there is no file, words of ours say where it goes.
  const file =
    preset === 'apache' || preset === 'generic'
      ? desk.text(ctx, `console.clients.files.${preset}`)
      : (recipe?.file ?? '')
  frame.show(ctx, 'console-client-added', {
    frame: await frame.frame(ctx, visit, room),
    id,
    name: settings.name ?? id,
    redirectUris: settings.redirectUris,
    returns: settings.postLogoutRedirectUris,
    scopes: settings.scopes ?? [],
    file,
    where: desk.text(ctx, `console.clients.presets.${preset}.where`, { file }),
    lines: recipe?.text.trimEnd() ?? '',
  })
}
