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
  de: {
    'card.label': 'Weiter mit E-Mail',
    'card.name': 'E-Mail',
    'card.hint': 'Wir schicken Ihnen einen Code. Es braucht kein Passwort.',
    'hidden.nobody': 'niemand kann sich per E-Mail anmelden: emailDomainAllowList ist leer',
    'address.title': 'Mit E-Mail anmelden',
    'address.label': 'E-Mail-Adresse',
    'address.submit': 'Code senden',
    'address.wrong':
      'Das sieht nicht nach einer E-Mail-Adresse aus. Bitte prüfen Sie sie, zum Beispiel: name@example.org',
    'address.domain':
      'Adressen von {domain} können hier nicht benutzt werden. Bitte nehmen Sie die Adresse Ihrer Einrichtung.',
    'code.title': 'Sehen Sie in Ihre E-Mails',
    'code.sent': 'Wir haben einen Code an {address} gesendet. Er gilt {minutes} Minuten.',
    'code.again': 'Wir haben einen neuen Code an {address} gesendet. Frühere Codes gelten nicht mehr.',
    'code.hint':
      'Geben Sie den Code hier ein, oder öffnen Sie den Link der E-Mail in diesem Browser. Lassen Sie dieses Fenster offen.',
    'code.label': 'Sechsstelliger Code',
    'code.submit': 'Anmelden',
    'code.resend': 'Neuen Code senden',
    'code.change': 'Andere Adresse benutzen',
    'code.format': 'Der Code hat sechs Ziffern. Bitte geben Sie ihn so ein, wie er in der E-Mail steht.',
    'code.wrong': 'Das ist nicht der Code, den wir gesendet haben. Verbleibende Versuche: {left}',
    'code.noMoreMails':
      'Vorerst keine weiteren E-Mails. Der letzte Code gilt noch; bitte sehen Sie auch im Spam-Ordner nach.',
    'visit.here.title': 'Fast geschafft',
    'visit.here.text': 'Sie melden sich gleich bei {site} als {address} an.',
    'visit.here.submit': 'Anmelden',
    'visit.elsewhere.title': 'Geben Sie stattdessen den Code ein',
    'visit.elsewhere.text':
      'Das ist nicht der Browser, in dem die Anmeldung bei {site} begonnen wurde. Bitte geben Sie den sechsstelligen Code der E-Mail in dem Fenster ein, in dem Sie begonnen haben.',
    'visit.elsewhere.warning':
      'Wenn Sie keine Anmeldung begonnen haben, schließen Sie diese Seite und geben Sie den Code niemandem. Ohne ihn kommt niemand hinein.',
    'visit.over.title': 'Dieser Link gilt nicht mehr',
    'visit.over.text':
      'Er wurde schon benutzt, seine Zeit ist um, oder es kam eine neuere E-Mail. Wenn Sie ihn noch brauchen, beginnen Sie die Anmeldung bitte neu.',
    'no.over': 'Dieser Code wurde schon benutzt, oder seine Zeit ist um. Bitte beginnen Sie die Anmeldung neu.',
    'no.tries': 'Zu viele falsche Codes. Bitte beginnen Sie mit einem neuen Code neu.',
    'no.guesses': 'Es wurden zu viele Codes probiert. Bitte warten Sie eine Stunde und beginnen Sie neu.',
    'no.mails': 'Es wurden zu viele E-Mails verlangt. Bitte warten Sie eine Stunde und beginnen Sie neu.',
    'no.mail':
      'Wir konnten die E-Mail nicht senden. Bitte prüfen Sie die Adresse und versuchen Sie es in ein paar Minuten noch einmal. Wenn es wieder geschieht, sagen Sie es den Betreibern dieser Seite.',
    'no.unknown': 'Das ist kein Schritt dieser Anmeldung. Bitte beginnen Sie neu.',
    'mail.subject.sign-in': 'Anmeldung bei {site}',
    'mail.subject.link': 'Diese Adresse Ihrem Konto bei {site} hinzufügen',
    'mail.title.sign-in': 'Ihr Code für {site}',
    'mail.title.link': 'Ihr Code, um diese Adresse bei {site} hinzuzufügen',
    'mail.code': 'Geben Sie diesen Code in dem Fenster ein, in dem Sie begonnen haben:',
    'mail.link': 'Oder öffnen Sie diesen Link im selben Browser:',
    'mail.button': '{site} öffnen',
    'mail.ends': 'Code und Link gelten einmal, bis {time} ({minutes} Minuten).',
    'mail.asked': 'Angefordert aus {network}.',
    'mail.askedFor': 'Angefordert aus {network}, um weiter zu {client} zu gehen.',
    'mail.ignore':
      'Wenn Sie es nicht waren, beachten Sie diese E-Mail nicht: Ohne den Code kommt niemand hinein. Geben Sie den Code nie jemandem.',
  },
} as const
