/**
 * Takes an app's token out of what it answers: the proxy alone has it, and some apps write it into their own pages (Jupyter
 * does, and into links, from where it would come into the address bar and the history).
 * @module
 */
import { Transform } from 'node:stream'
import type { Way } from './workspaces.ts'

/** The token that the proxy adds on the way to an app; `undefined` where it adds none. */
export function tokenOf({ profile, headers }: Pick<Way, 'profile' | 'headers'>): string | undefined {
  const header = profile.credential?.header
  const value = header && headers[header.name]
  if (header === undefined || value === undefined) return undefined
  const [before = '', after = ''] = header.value.split('{token}')
  const token = value.slice(before.length, value.length - after.length)
  return token.length >= 16 ? token : undefined
}

/** Whether an answer is a page that can be read as it comes. */
export function isPage(headers: NodeJS.Dict<string | string[]>): boolean {
  return String(headers['content-type']).startsWith('text/html') && headers['content-encoding'] === undefined
}

/** Takes it out of headers, in place. */
export function concealIn(headers: NodeJS.Dict<string | string[]>, token: string): void {
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    if (typeof value !== 'string') headers[name] = value.map((one) => one.replaceAll(token, ''))
    else if (value.includes(token)) headers[name] = value.replaceAll(token, '')
  }
}

/** A stream that puts blanks in its place: lengths stay true, and apps take blanks for no token. */
export function conceal(token: string): Transform {
  const wanted = Buffer.from(token)
  let kept = Buffer.alloc(0)
  return new Transform({
    transform(part: Buffer, _, done) {
      const all = Buffer.concat([kept, part])
      for (let at = all.indexOf(wanted); at >= 0; at = all.indexOf(wanted, at)) all.fill(' ', at, at + wanted.length)
      const rest = begun(all, wanted)
      kept = all.subarray(all.length - rest)
      done(null, all.subarray(0, all.length - rest))
    },
    flush(done) {
      done(null, kept)
    },
  })
}

/** How many of the last bytes may be the beginning of it. */
function begun(all: Buffer, wanted: Buffer): number {
  for (let length = Math.min(wanted.length - 1, all.length); length > 0; length--)
    if (all.subarray(all.length - length).equals(wanted.subarray(0, length))) return length
  return 0
}
