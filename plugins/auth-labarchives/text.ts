/** Every text a person may see. @module */
export const text = {
  en: {
    card: 'Continue with {name}',
    'card.manual': 'I have a one-hour code from {name}',
    'card.manual.hint': 'For when the sign-in page of {name} cannot be used.',
    'manual.title': 'Sign in with a code from {name}',
    'manual.where':
      'In {name}, click your name at the top right and choose “External App authentication”. The code shown there works for one hour.',
    'manual.never': 'Never type your {name} password here.',
    'manual.email': 'E-mail address at {name}',
    'manual.code': 'One-hour code',
    'manual.submit': 'Sign in',
    'manual.missing': 'Please type both your e-mail address and the code.',
    'no.wrong':
      '{name} does not accept this address and code together. The code works for one hour; please get a new one.',
    'no.address': 'This does not look like an e-mail address that {name} knows. Please check it.',
    'no.withdrawn': '{name} no longer knows you here. Please sign in anew and allow it again.',
    'no.over': 'Your session at {name} has ended. Please sign in there again.',
    'no.forbidden': 'Your account at {name} may not do this. Please ask those who run {name} at your institution.',
    'no.busy': 'Too many people are signing in with {name} at this moment. Please try again in half a minute.',
    'no.denied': 'You did not sign in: {name} told us that the request was turned down.',
    'no.clock': '{name} found the time of our request wrong. We have corrected it; please start again.',
    'no.guesses': 'Too many codes were tried. Please wait an hour and begin again.',
    'no.used': 'This answer of {name} was used before. Please start again.',
    'no.missing': 'Both an e-mail address and a code are needed.',
    'no.unknown': 'This is not a step of this sign-in. Please begin again.',
  },
} as const
