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
} as const
