/** The sources of the repository as the walls see them: files, their code without comments, their imports. @module */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

/** The folder of the repository. */
export const root = join(import.meta.dirname, '..', '..')

/** One source file. Paths are relative to the repository, with `/`. */
export interface Source {
  readonly path: string
  readonly text: string
  /** The code without comments; the text of template strings is blank. */
  readonly code: string
  /** The same with the text of all strings blank. */
  readonly bare: string
  readonly imports: readonly Import[]
}

/** One import or re-export, of a value or of a type. */
export interface Import {
  readonly specifier: string
  /** A path when it is a file of the repository, be it through a package's name; else the specifier. */
  readonly target: string
}

/** Where each export of the workspaces' packages leads: `@labgate/contract` to `core/contract/index.ts`. */
export type Packages = ReadonlyMap<string, string>

/** The text files of the repository matching `patterns`; installed, built and run-time folders are left out. */
export function filesOf(patterns: readonly string[]): readonly string[] {
  const away = /(^|\/)(node_modules|dist|data|results|\.git)$/
  return globSync(patterns, { cwd: root, exclude: (path) => away.test(path) }).sort()
}

/** Reads all TypeScript and JavaScript of the repository. */
export function readSources(): readonly Source[] {
  const packages = readPackages()
  return filesOf(['{core,plugins,test,examples}/**/*.{ts,js}']).map((path) =>
    parseSource(path, { text: readFileSync(join(root, path), 'utf8'), packages }),
  )
}

/** Takes a source apart. */
export function parseSource(path: string, of: { readonly text: string; readonly packages: Packages }): Source {
  const { code, bare } = withoutComments(of.text)
  const imports = specifiersOf(code, bare).map((specifier) => ({
    specifier,
    target: targetOf(path, specifier, of.packages),
  }))
  return { path, text: of.text, code, bare, imports }
}

/** Reads where the exports of the workspaces' packages lead. */
export function readPackages(): Packages {
  const found = new Map<string, string>()
  for (const path of filesOf(['{core,plugins,test,examples}/**/package.json'])) {
    const { name, exports } = JSON.parse(readFileSync(join(root, path), 'utf8')) as PackageFile
    for (const [subpath, file] of Object.entries(exports ?? {})) {
      if (typeof file === 'string') found.set(posix.join(name, subpath), posix.join(dirname(path), file))
    }
  }
  return found
}

interface PackageFile {
  readonly name: string
  readonly exports?: Readonly<Record<string, unknown>>
}

function targetOf(path: string, specifier: string, packages: Packages): string {
  return specifier.startsWith('.') ? posix.join(dirname(path), specifier) : (packages.get(specifier) ?? specifier)
}

/** Whether a target is a file of the repository that exists. */
export function isFile(target: string): boolean {
  return existsSync(join(root, target))
}

// `from '…'`, `import '…'`, `import('…')`: found where strings are blank, read where they are not.
const spot = /(?:\bfrom|\bimport)\s*\(?\s*(['"])([^'"\n]*)\1/g

function specifiersOf(code: string, bare: string): readonly string[] {
  return [...bare.matchAll(spot)].map((match) => {
    const start = match.index + match[0].indexOf(match[1] ?? '') + 1
    return code.slice(start, start + (match[2]?.length ?? 0))
  })
}

// One alternative for each thing that must not be taken for another; the first that fits at a place wins.
const lexeme =
  /(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")|(?<template>`(?:\\[\s\S]|[^`\\])*`)|(?<regexp>(?<=[=(,:[!&|?{};+\n]\s*|\breturn\s|=>\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*)/g

function withoutComments(text: string): { readonly code: string; readonly bare: string } {
  const replaced = (blankStrings: boolean): string =>
    text.replace(lexeme, (...match) => {
      const found = match.at(-1) as Record<'comment' | 'string' | 'template' | 'regexp', string | undefined>
      const whole = String(match[0])
      if (found.string !== undefined) return blankStrings ? quoted(whole) : whole
      if (found.template !== undefined)
        return quoted(whole.replace(/\$\{[^}`]*\}/g, (code) => code.replaceAll(/['"`]/g, ' ')))
      return blank(whole)
    })
  return { code: replaced(false), bare: replaced(true) }
}

function quoted(text: string): string {
  return text[0] === '`' ? `\`${blankOutside(text.slice(1, -1))}\`` : `${text[0]}${blank(text.slice(1, -1))}${text[0]}`
}

// What stands in `${…}` of a template is code and stays.
function blankOutside(text: string): string {
  return text.replace(/(\$\{[^}]*\})|([^\n])/g, (_, code: string | undefined) => code ?? ' ')
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, ' ')
}
