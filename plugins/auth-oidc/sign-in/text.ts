/** Every text of a sign-in at an OpenID provider that a person may see. @module */

/** What {@link openIdMethod} says; a plugin lays its own words over it. */
export const signInText = {
  en: {
    card: 'Continue with {name}',
    down: '{name} does not answer at the moment. Please use another way to sign in, or try again in a minute.',
    denied: 'You did not sign in: {name} told us that the request was turned down.',
    expired: 'The answer of {name} came too late or was used before. Please start again.',
    failed: '{name} could not sign you in this time. Please start again.',
  },
  de: {
    card: 'Weiter mit {name}',
    down: '{name} antwortet zurzeit nicht. Bitte melden Sie sich anders an, oder versuchen Sie es in einer Minute noch einmal.',
    denied: 'Sie haben sich nicht angemeldet: {name} sagt, dass die Anfrage abgelehnt wurde.',
    expired: 'Die Antwort von {name} kam zu spät oder wurde schon benutzt. Bitte beginnen Sie neu.',
    failed: '{name} konnte Sie diesmal nicht anmelden. Bitte beginnen Sie neu.',
  },
} as const
