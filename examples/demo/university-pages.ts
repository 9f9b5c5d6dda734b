/** The pages of the demo university. @module */
import { type Html, html, raw } from './page.ts'
import type { Person } from './people.ts'

interface Content {
  readonly title: string
  readonly body: Html
}

/** Three people to click. */
export function peoplePage(people: Readonly<Record<string, Person>>): Content {
  const items = Object.entries(people).map(
    ([id, { name, about }]) => html`<li><button name="person" value="${id}">
<span class="letter" aria-hidden="true">${name.slice(0, 1)}</span><span><strong>${name}</strong><small>${about}</small></span></button></li>`,
  )
  const body = html`<h1>Who are you today?</h1>
<p class="soft">These people are made up and have no password. Click one to sign in.</p>
<form method="post"><ul class="people">${items}</ul>
<div class="row"><button class="plain" name="person" value="">Back, I do not want to sign in</button></div></form>`
  return { title: 'Sign in', body }
}

/** Asks before the session here ends; `form` is the library's own, with its token. */
export function signOutPage(form: string): Content {
  const body = html`<h1>Sign out of Demo University, too?</h1>
<p>You came here because you signed out somewhere else.</p>${raw(form)}
<div class="row"><button class="button" form="op.logoutForm" name="logout" value="yes">Yes, sign out</button>
<button class="plain" form="op.logoutForm">No, stay signed in here</button></div>`
  return { title: 'Sign out', body }
}

/** Nothing to do here. */
export function endPage(): Content {
  const body = html`<h1>Demo University</h1><p>There is nothing to do here. Go back to the application you came from.</p>`
  return { title: 'Welcome', body }
}

/** What went wrong, in the words of the protocol: this is a demo for people who run servers. */
export function errorPage(words: string): Content {
  return {
    title: 'Something went wrong',
    body: html`<h1>Something went wrong</h1><p>${words}</p><p>Please go back to the application and start again.</p>`,
  }
}
