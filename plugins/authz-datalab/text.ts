/** What the dialect of datalab says to people. @module */
export const text = {
  en: {
    homeTitle: 'datalab “{prefix}”',
    homeText: 'This is the address of an API. The web application is at {app}.',
    authorizedTitle: 'This address is no longer used',
    authorizedText:
      'An old sign-in led here. Sign in again from the web application at {app}. Whoever runs it: register Labgate’s own callback address at the provider.',
    unknownTitle: 'There is no such sign-in here',
    unknownText: 'This datalab does not offer “{provider}”. Go back to {app} and choose another way.',
    linkTitle: 'Sign in to datalab “{prefix}”',
    linkText: 'You are about to sign in as {address}. Go on only if you have asked for this mail yourself.',
    linkGo: 'Go on as {address}',
    linkOverTitle: 'This link is over',
    linkOver: 'It was used already, or it is older than an hour. Ask for a new one at {app}.',
    mailSubject: 'Sign in to datalab “{prefix}”',
    mailText:
      'Somebody, probably you, wants to sign in to datalab “{prefix}” with this address.\n\nOpen this link within one hour; it works once:\n\n{link}\n\nIf it was not you, do nothing.\n',
    outTitle: 'Sign out of datalab “{prefix}”',
    outText: 'This ends your session here and at every service that you reached by it.',
    outGo: 'Sign out',
    problem: 'This did not work',
  },
  de: {
    homeTitle: 'datalab „{prefix}“',
    homeText: 'Das ist die Adresse einer API. Die Webanwendung liegt unter {app}.',
    authorizedTitle: 'Diese Adresse wird nicht mehr benutzt',
    authorizedText:
      'Hierher führte eine alte Anmeldung. Melden Sie sich neu an, ausgehend von der Webanwendung unter {app}. Für die Betreiber: Tragen Sie beim Anbieter die Rücksprungadresse von Labgate ein.',
    unknownTitle: 'Diese Anmeldung gibt es hier nicht',
    unknownText:
      'Dieses datalab bietet „{provider}“ nicht an. Gehen Sie zurück zu {app} und wählen Sie einen anderen Weg.',
    linkTitle: 'Anmeldung bei datalab „{prefix}“',
    linkText:
      'Sie melden sich gleich als {address} an. Fahren Sie nur fort, wenn Sie diese E-Mail selbst angefordert haben.',
    linkGo: 'Weiter als {address}',
    linkOverTitle: 'Dieser Link gilt nicht mehr',
    linkOver: 'Er wurde schon benutzt oder ist älter als eine Stunde. Fordern Sie unter {app} einen neuen an.',
    mailSubject: 'Anmeldung bei datalab „{prefix}“',
    mailText:
      'Jemand, wahrscheinlich Sie, möchte sich mit dieser Adresse bei datalab „{prefix}“ anmelden.\n\nÖffnen Sie diesen Link innerhalb einer Stunde; er gilt einmal:\n\n{link}\n\nWenn Sie es nicht waren, tun Sie nichts.\n',
    outTitle: 'Von datalab „{prefix}“ abmelden',
    outText: 'Das beendet Ihre Sitzung hier und bei jedem Dienst, den Sie darüber erreicht haben.',
    outGo: 'Abmelden',
    problem: 'Das hat nicht geklappt',
  },
} as const
