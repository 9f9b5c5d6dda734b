/** The new config as text: sections with a line of comment each, and what waits for a person as comments. @module */
import { stringify } from 'yaml'
import type { Entry, Gap, Tree } from './mapped.ts'

/** A section of the file. */
export interface Section {
  readonly comment: string
  readonly tree: Tree
}

/** The text of the file. */
export function fileText(sections: readonly Section[], entries: readonly Entry[]): string {
  const head =
    '# Labgate, from the settings of a datalab. Every option: docs/configure.md; what became of what: docs/migrate-datalab.md.'
  const parts = sections.map(({ comment, tree }) => `# ${comment}\n${yaml(tree)}`)
  const isEmpty = entries.every(({ gap }) => gap !== undefined)
  const plugins = [
    `# Ways to sign in, and the datalab, each under an id that stays.`,
    `plugins:${isEmpty ? ' {}' : ''}`,
    ...entries.map(entryText),
  ]
  return `${[head, ...parts, plugins.join('\n')].join('\n\n')}\n`
}

function entryText({ id, comment, tree, gap, remotes = [] }: Entry): string {
  const lines = comment === undefined ? '' : `${indented(comments([comment]), 2)}\n`
  const waiting = remotes.map((one) => gapText(one)).join('\n')
  const entry = yaml({ [id]: tree }) + (waiting === '' ? '' : `\n${waiting}`)
  if (gap === undefined) return lines + indented(entry, 2)
  return lines + indented(comments([...gap, ...entry.split('\n')]), 2)
}

/** File systems stand in a list at the end of the entry; a comment goes on where the list ends. */
function gapText({ why, tree }: Gap): string {
  const depth = Array.isArray(tree) ? 8 : 4
  return indented(comments([...why, ...yaml(tree).split('\n')]), depth)
}

const comments = (lines: readonly string[]) => lines.map((line) => `# ${line}`.trimEnd()).join('\n')

const indented = (text: string, depth: number) => text.replaceAll(/^(?=.)/gm, ' '.repeat(depth))

function yaml(tree: unknown): string {
  return stringify(tree, { lineWidth: 0, defaultKeyType: 'PLAIN' }).trimEnd()
}
