/** Every text of the Google sign-in that a person may see. @module */
import { signInText } from '@labgate/auth-oidc/sign-in'

/** Texts by language and key. */
export const text = {
  en: {
    ...signInText.en,
    otherDomain:
      'Here you sign in with the {name} account of your organisation ({domains}). You chose another account; please start again and pick that one.',
  },
  de: {
    ...signInText.de,
    otherDomain:
      'Hier melden Sie sich mit dem {name}-Konto Ihrer Organisation an ({domains}). Sie haben ein anderes Konto gewählt; bitte beginnen Sie neu und wählen Sie jenes.',
  },
} as const
