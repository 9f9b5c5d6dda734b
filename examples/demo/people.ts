/** The made-up people of the demo university. @module */
export interface Person {
  readonly name: string
  readonly about: string
  readonly claims: Readonly<Record<string, unknown>>
}

/** Who may be clicked, by subject. */
export const people: Readonly<Record<string, Person>> = {
  'u-1001': person('Ada Lovelace', {
    about: 'Staff, with a verified e-mail address',
    more: { email: 'ada@university.example', email_verified: true, groups: ['staff', 'imaging'] },
  }),
  'u-1002': person('Grace Hopper', {
    about: 'Student, with a verified e-mail address',
    more: { email: 'grace@students.university.example', email_verified: true, groups: ['students'] },
  }),
  'u-1003': person('Guest', {
    about: 'Visitor; the e-mail address was never verified',
    more: { email: 'guest@elsewhere.example', email_verified: false, groups: [] },
  }),
}

function person(name: string, given: { about: string; more: Readonly<Record<string, unknown>> }): Person {
  const [first = name, last] = name.split(' ')
  const names = { name, given_name: first, ...(last === undefined ? {} : { family_name: last }) }
  return { name, about: given.about, claims: { ...names, preferred_username: first.toLowerCase(), ...given.more } }
}
