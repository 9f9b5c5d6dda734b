/** The one place where words become a command line of a shell. @module */
import { Fault } from '@labgate/contract'

/**
 * One word for a POSIX shell: whatever is in it, the shell passes it on unchanged. Every word is quoted, so that none is
 * taken for a keyword, an alias or an assignment.
 * Spec: POSIX.1-2017, Shell Command Language §2.2.2. The login shell of the account must be a POSIX one (not fish, not csh).
 * @throws Fault ERR_INPUT for a NUL, which no argument of a program can hold
 */
export function quoteWord(word: string): string {
  if (word.includes('\0')) throw new Fault('ERR_INPUT', 'An argument of a command must not contain a NUL character.')
  return `'${word.replaceAll("'", "'\\''")}'`
}

/**
 * The command line of an argument array.
 * @throws Fault ERR_INPUT as {@link quoteWord}; TypeError when there is no command
 */
export function commandLine(argv: readonly string[]): string {
  if (argv.length === 0 || argv[0] === '') throw new TypeError('`argv` must begin with a command, got none')
  return argv.map(quoteWord).join(' ')
}
