/** Every text a person may see. Other languages have the same keys. @module */

/** Texts by language and key; `{building}` is replaced by a value. */
export const text = {
  en: {
    card: 'Sign in with your badge of {building}',
    denied: 'The badge office did not let you in. Ask at the reception.',
  },
  de: {
    card: 'Mit dem Ausweis für {building} anmelden',
    denied: 'Die Ausweisstelle hat Sie nicht eingelassen. Fragen Sie am Empfang.',
  },
} as const
