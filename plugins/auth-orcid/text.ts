/** Every text of the ORCID sign-in that a person may see. @module */
import { signInText } from '@labgate/auth-oidc/sign-in'

/** Texts by language and key. */
export const text = {
  en: { ...signInText.en, card: 'Sign in with {name}' },
  de: { ...signInText.de, card: 'Anmelden mit {name}' },
} as const
