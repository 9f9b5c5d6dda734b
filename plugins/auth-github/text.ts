/** Every text of the GitHub sign-in that a person may see. @module */
import { signInText } from '@labgate/auth-oidc/sign-in'

/** The common words of a sign-in elsewhere, and GitHub's own. */
export const text = {
  en: {
    ...signInText.en,
    nobody: 'Nobody can sign in with {name} here.',
    unverified: '{name} has not verified your primary e-mail address. Verify it at {link}, then start again.',
    notMember:
      'You are {login} at {name}, and {login} is not a member of {organizations}. If that is the wrong account, sign in to the right one at {name} and start again.',
    pending:
      '{organization} has invited {login} at {name}, but you have not accepted yet: open {link}, then start again.',
    restricted:
      '{organization} at {name} does not let this site see its members. If you are one of them, make your membership public ({link}), or ask an owner of {organization} to approve this site among its OAuth apps.',
    saml: '{organization} at {name} wants you to sign in with its own single sign-on first: open {link}, then start again.',
    scope:
      '{name} did not let us see which organisations you belong to. Please start again and allow it when {name} asks.',
  },
  de: {
    ...signInText.de,
    nobody: 'Mit {name} kann sich hier niemand anmelden.',
    unverified:
      '{name} hat Ihre wichtigste E-Mail-Adresse nicht bestätigt. Bestätigen Sie sie unter {link}, und beginnen Sie dann neu.',
    notMember:
      'Sie sind {login} bei {name}, und {login} ist kein Mitglied von {organizations}. Wenn das das falsche Konto ist, melden Sie sich bei {name} mit dem richtigen an und beginnen Sie neu.',
    pending:
      '{organization} hat {login} bei {name} eingeladen, aber Sie haben noch nicht angenommen: Öffnen Sie {link}, und beginnen Sie dann neu.',
    restricted:
      '{organization} bei {name} lässt diese Seite ihre Mitglieder nicht sehen. Wenn Sie dazugehören, machen Sie Ihre Mitgliedschaft öffentlich ({link}), oder bitten Sie jemanden, dem {organization} gehört, diese Seite unter den OAuth-Apps zuzulassen.',
    saml: '{organization} bei {name} verlangt zuerst die eigene Anmeldung: Öffnen Sie {link}, und beginnen Sie dann neu.',
    scope:
      '{name} hat uns nicht sehen lassen, zu welchen Organisationen Sie gehören. Bitte beginnen Sie neu und erlauben Sie es, wenn {name} fragt.',
  },
} as const
