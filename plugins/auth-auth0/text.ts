/** Every text of the Auth0 sign-in that a person may see. @module */
import { signInText } from '@labgate/auth-oidc/sign-in'

/** Texts by language and key. */
export const text = {
  en: {
    ...signInText.en,
    unverified:
      '{name} has not verified your e-mail address. Open the mail it sent you, follow the link in it, and start again.',
    notListed: 'The address {address} may not sign in here. If it should, ask the people who run this site.',
    otherOrganization: 'You signed in at {name} for another organisation. Please start again and choose the right one.',
  },
  de: {
    ...signInText.de,
    unverified:
      '{name} hat Ihre E-Mail-Adresse nicht bestätigt. Öffnen Sie die E-Mail von dort, folgen Sie dem Link darin und beginnen Sie neu.',
    notListed:
      'Mit der Adresse {address} kann man sich hier nicht anmelden. Wenn es möglich sein sollte, fragen Sie die Betreiber dieser Seite.',
    otherOrganization:
      'Sie haben sich bei {name} für eine andere Organisation angemeldet. Bitte beginnen Sie neu und wählen Sie die richtige.',
  },
} as const
