/** All words of this sign-in. @module */

/** Every text a person may see. */
export const text = {
  en: {
    'card.label': 'Continue with e-mail',
    'card.name': 'E-mail',
    'card.hint': 'We send you a code. No password needed.',
    'hidden.nobody': 'no domain may sign in by e-mail: emailDomainAllowList is empty',
    'address.title': 'Sign in with e-mail',
    'address.label': 'E-mail address',
    'address.submit': 'Send me a code',
    'address.wrong': 'This does not look like an e-mail address. Please check it, for example: name@example.org',
    'address.domain': 'Addresses of {domain} cannot be used here. Please use the address of your institution.',
    'code.title': 'Check your mail',
    'code.sent': 'We sent a code to {address}. It works for {minutes} minutes.',
    'code.again': 'We sent a new code to {address}. Codes sent before no longer work.',
    'code.hint': 'Type the code here, or open the link of the mail in this browser. Keep this window open.',
    'code.label': 'Six-digit code',
    'code.submit': 'Sign in',
    'code.resend': 'Send a new code',
    'code.change': 'Use another address',
    'code.format': 'The code has six digits. Please type it as it is in the mail.',
    'code.wrong': 'This is not the code we sent. Tries left: {left}',
    'code.noMoreMails':
      'No more mails for now. The last code we sent still works; please look in your spam folder too.',
    'visit.here.title': 'Almost there',
    'visit.here.text': 'You are about to sign in to {site} as {address}.',
    'visit.here.submit': 'Sign in',
    'visit.elsewhere.title': 'Type the code instead',
    'visit.elsewhere.text':
      'This is not the browser in which the sign-in to {site} was begun. Please type the six-digit code of the mail in the window where you began.',
    'visit.elsewhere.warning':
      'If you did not begin a sign-in, close this page and give the code to nobody. Without it nobody gets in.',
    'visit.over.title': 'This link no longer works',
    'visit.over.text':
      'It was used already, its time is over, or a newer mail was sent. If you still need it, please begin to sign in again.',
    'no.over': 'This code was used already or its time is over. Please begin to sign in again.',
    'no.tries': 'Too many wrong codes. Please begin again with a new code.',
    'no.guesses': 'Too many codes were tried. Please wait an hour and begin again.',
    'no.mails': 'Too many mails were asked for. Please wait an hour and begin again.',
    'no.mail':
      'We could not send the mail. Please check the address and try again in a few minutes. If it happens again, tell the people who run this site.',
    'no.unknown': 'This is not a step of this sign-in. Please begin again.',
    'mail.subject.sign-in': 'Sign in to {site}',
    'mail.subject.link': 'Add this address to your account at {site}',
    'mail.title.sign-in': 'Your code for {site}',
    'mail.title.link': 'Your code to add this address at {site}',
    'mail.code': 'Type this code in the window where you began:',
    'mail.link': 'Or open this link in the same browser:',
    'mail.button': 'Open {site}',
    'mail.ends': 'Code and link work once, until {time} ({minutes} minutes).',
    'mail.asked': 'Asked for from {network}.',
    'mail.askedFor': 'Asked for from {network}, to go on to {client}.',
    'mail.ignore':
      'If it was not you, ignore this mail: nobody gets in without the code. Never give the code to anybody.',
  },
} as const
