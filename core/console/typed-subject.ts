/** Whom somebody means by a word: an account's name, or a subject as the ledger writes it. @module */
import { parseSubject, type Subject } from '../access/model.ts'
import type { Accounts } from '../accounts/accounts.ts'

/** A username, a proved e-mail address, an account's id, or `group:SLUG`, `name:SIGN-IN:VALUE`, `signed-in`, `anyone`. */
export async function subjectTyped(
  word: string,
  { accounts }: { readonly accounts: Pick<Accounts, 'find' | 'findByUsername' | 'findByVerifiedEmail'> },
): Promise<Subject | undefined> {
  const written = parseSubject(word)
  if (written !== undefined) return written
  const account =
    (await accounts.findByUsername(word)) ??
    (word.includes('@') ? await accounts.findByVerifiedEmail(word) : undefined) ??
    (await accounts.find(word))
  return account && { kind: 'account', account: account.id }
}
