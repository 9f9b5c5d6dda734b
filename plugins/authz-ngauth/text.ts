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
  de: {
    title: 'Daten für Neuroglancer',
    home: 'Neuroglancer liest über diese Adresse private Daten. Von Hand ist hier nichts zu tun: Öffnen Sie in Neuroglancer eine Quelle, die mit gs+ngauth+{origin}/ beginnt.',
    homeKnown: 'Sie sind als {name} angemeldet.',
    signIn: 'Anmelden',
    signOut: 'Abmelden',
    done: 'Sie sind angemeldet',
    doneText: 'Sie können dieses Fenster schließen. Wenn Neuroglancer noch wartet, drücken Sie dort auf Retry.',
    badOrigin: 'Dieser Neuroglancer ist hier nicht bekannt',
    badOriginText:
      'Die Seite, die dieses Fenster geöffnet hat ({origin}), darf keine Daten dieser Seite benutzen. Bitten Sie die Betreiber, sie einzutragen.',
    noOrigin: 'Dieses Fenster wurde nicht von Neuroglancer geöffnet. Sie können es schließen.',
    offer: 'Nutzungsbedingungen',
    offerText: '„{dataset}“ sehen alle, die seine Nutzungsbedingungen annehmen: „{terms}“.',
    offerMore: 'Danach kommen: {titles}.',
    offerRead: '„{terms}“ lesen',
    offerLater: 'Ohne diese Daten weiter',
    problem: 'Das hat nicht geklappt',
    denied: 'Zugang verweigert',
    deniedTerms: 'Zugang verweigert: Nehmen Sie {terms} zuerst an: {links}',
  },
}
