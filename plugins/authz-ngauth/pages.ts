/** The few pages of ngauth, as data: the core renders them in the look of the site. @module */
import type { Page, RouteReply } from '@labgate/contract'
import type { Wanted } from './terms.ts'

type Say = (key: string, values?: Readonly<Record<string, string>>) => string

/** A page, answered. */
export function shown(page: Page, status = 200): RouteReply {
  return { status, page }
}

/** What stands at `/`: what this host is for, and who is signed in. `proof` goes with the button that signs out. */
export function homePage(
  say: Say,
  here: { origin: string; login: string; known?: { name: string; proof: string } },
): Page {
  const { origin, login, known } = here
  const page = { title: say('title'), text: [say('home', { origin })] }
  if (known === undefined) return { ...page, link: { label: say('signIn'), href: login } }
  return {
    ...page,
    text: [...page.text, say('homeKnown', { name: known.name })],
    action: '/logout',
    form: { fields: [{ name: 'token', label: '', type: 'hidden', value: known.proof }], submit: say('signOut') },
  }
}

/** The end of the popup. Where no window waits, because a page on the way cut the two apart, its words say how to go on. */
export function donePage(say: Say, message: { token: string; origin: string }): Page {
  return {
    ...{ title: say('done'), text: [say('doneText')], tone: 'success' },
    message: { data: { token: message.token }, origins: [message.origin] },
  }
}

/** For a page that may not ask. The word by which Neuroglancer knows that; it is no secret. */
export function strangerPage(say: Say, origin: string): Page {
  return {
    ...{ title: say('badOrigin'), text: [say('badOriginText', { origin })], tone: 'warning' },
    message: { data: 'badorigin', origins: [origin] },
  }
}

/** Terms that stand between a person and data, before the token is given: read them now, or do without these data. */
export function offerPage(say: Say, [first, ...rest]: readonly [Wanted, ...Wanted[]], href: string): Page {
  const more = rest.length === 0 ? [] : [say('offerMore', { titles: rest.map(({ title }) => `“${title}”`).join(', ') })]
  return {
    title: say('offer'),
    text: [say('offerText', { terms: first.title, dataset: first.dataset }), ...more],
    tone: 'info',
    link: { label: say('offerRead', { terms: first.title }), href },
    form: { fields: [], submit: say('offerLater') },
  }
}
