/** Every text of the GitHub sign-in that a person may see. @module */
export const text = {
  en: {
    card: 'Continue with {name}',
    down: '{name} does not answer at the moment. Please use another way to sign in, or try again in a minute.',
    denied: 'You did not sign in: {name} told us that the request was turned down.',
    expired: 'The answer of {name} came too late or was used before. Please start again.',
    failed: '{name} could not sign you in this time. Please start again.',
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
} as const
