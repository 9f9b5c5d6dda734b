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
} as const
