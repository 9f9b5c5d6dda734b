/** What people read: in the popup, and in Neuroglancer when something is refused. @module */
import type { Texts } from '@labgate/contract'

/** The texts, English first. */
export const text: Texts = {
  en: {
    title: 'Data for Neuroglancer',
    home: 'Neuroglancer reads private data through this address. Nothing is done here by hand: open a source that begins with gs+ngauth+{origin}/ in Neuroglancer.',
    homeKnown: 'You are signed in as {name}.',
    signIn: 'Sign in',
    signOut: 'Sign out',
    done: 'You are signed in',
    doneText: 'You can close this window. If Neuroglancer still waits, press Retry there.',
    badOrigin: 'This Neuroglancer is not known here',
    badOriginText:
      'The page that opened this window ({origin}) may not use data of this site. Ask whoever runs it to list it.',
    noOrigin: 'This window was not opened by Neuroglancer. You can close it.',
    offer: 'Terms of use',
    offerText: '“{dataset}” can be seen by those who accept its terms of use: “{terms}”.',
    offerMore: 'Then come: {titles}.',
    offerRead: 'Read “{terms}”',
    offerLater: 'Go on without these data',
    problem: 'This did not work',
    denied: 'Access denied',
    deniedTerms: 'Access denied: accept {terms} first: {links}',
  },
}
