/** What the dialect of CAVE says to people. @module */
export const text = {
  en: {
    makeTitle: 'A token for CAVE',
    makeText:
      'A program with this token acts in your name at CAVE services until it ends or you revoke it under “My account”.',
    make: 'Make a token',
    madeTitle: 'Your token for CAVE',
    madeText: 'Copy it now: it is not shown again.',
    outTitle: 'Sign out of CAVE',
    outText:
      'Tokens that viewers and services were given at your sign-ins stop working. Tokens you made yourself stay.',
    out: 'Sign out',
    doneTitle: 'Signed out of CAVE',
    done: 'Viewers and services ask you to sign in again.',
    agreedTitle: 'Terms accepted',
    agreedText: 'You have accepted these terms of use. You may close this page.',
    refusedTitle: 'This address is not registered',
    refusedText: 'You were to be sent to {origin} with a token. Whoever runs this Labgate has not registered it.',
    problem: 'This did not work',
  },
} as const
