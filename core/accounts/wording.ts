/** What people write into groups, service accounts and tokens: names on one line, descriptions of a few. @module */
import { Fault } from '@labgate/contract'

/**
 * A name on one line: what could hide, turn or break text is refused.
 * @throws Fault ERR_INPUT
 */
export function checkedName(name: string, most = 150): string {
  const plain = name.trim()
  if (plain === '' || plain.length > most || /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/u.test(plain))
    throw new Fault('ERR_INPUT', `A name has 1 to ${most} characters on one line.`)
  return plain
}

/**
 * A description: any text of at most 2,000 characters.
 * @throws Fault ERR_INPUT
 */
export function checkedText(text: string): string {
  if (text.length > 2000 || /[\p{Cs}]|[^\P{Cc}\n\t\r]/u.test(text))
    throw new Fault('ERR_INPUT', 'A description has at most 2,000 characters, and no control characters.')
  return text
}
