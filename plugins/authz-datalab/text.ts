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
} as const
