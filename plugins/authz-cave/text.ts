/** What the dialect of CAVE says to people. @module */
export const text = {
  en: {
    makeTitle: 'A token for CAVE',
    makeText:
      'A program with this token acts in your name at CAVE services until it ends or you revoke it under “Your account”.',
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
  de: {
    makeTitle: 'Ein Token für CAVE',
    makeText:
      'Ein Programm mit diesem Token handelt bei CAVE-Diensten in Ihrem Namen, bis es abläuft oder Sie es unter „Ihr Konto“ widerrufen.',
    make: 'Token erstellen',
    madeTitle: 'Ihr Token für CAVE',
    madeText: 'Kopieren Sie es jetzt: Es wird nicht noch einmal gezeigt.',
    outTitle: 'Von CAVE abmelden',
    outText:
      'Tokens, die Betrachter und Dienste bei Ihren Anmeldungen bekamen, gelten dann nicht mehr. Selbst erstellte Tokens bleiben.',
    out: 'Abmelden',
    doneTitle: 'Von CAVE abgemeldet',
    done: 'Betrachter und Dienste bitten Sie, sich neu anzumelden.',
    agreedTitle: 'Bedingungen angenommen',
    agreedText: 'Sie haben diese Nutzungsbedingungen angenommen. Sie können diese Seite schließen.',
    refusedTitle: 'Diese Adresse ist nicht eingetragen',
    refusedText:
      'Sie sollten mit einem Token zu {origin} geschickt werden. Wer dieses Labgate betreibt, hat die Adresse nicht eingetragen.',
    problem: 'Das hat nicht geklappt',
  },
} as const
