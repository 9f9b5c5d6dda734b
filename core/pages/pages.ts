/**
 * The pages: data in, HTML out. Pure and synchronous; templates are read and compiled once.
 * A deployer's template of the same name wins over ours, and so do texts under `texts/` in that folder.
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fault, type Form, type Log } from '@labgate/contract'
import { Eta } from 'eta'
import { chooserParts } from './chooser.ts'
import { type Accent, accentOf } from './colour.ts'
import { formParts } from './form.ts'
import { contactHref, safeHref, safeImage } from './links.ts'
import { renderMarkdown } from './markdown.ts'
import { loadTexts, type Text, type Texts } from './text.ts'
import type { PersonView, Post, ViewName, Views } from './views.ts'
import { left, wait, when } from './when.ts'

/** What deployers may change. */
export interface Branding {
  /** `#rgb` or `#rrggbb`; made darker or lighter where it could not be read. */
  readonly accent?: string | undefined
  /** A folder of own templates (`chooser.eta`) and texts (`texts/de.json`). */
  readonly templates?: string | undefined
  /** An e-mail address or a link where people get help. */
  readonly support?: string | undefined
}

/** What rendering takes. */
export interface PagesNeeds {
  readonly siteName: string
  readonly branding: Branding
  /** Name to address of the static files; `brand` is the deployer's logo. */
  readonly assets: Readonly<Record<string, string>>
  readonly log: Log
  /** The site's own language; default English. */
  readonly language?: string | undefined
}

/** What is known of the request. */
export interface RenderOptions {
  /** One of `texts.locales`: see `texts.choose`. */
  readonly locale: string
  /** The nonce of the style element in the response's content security policy. */
  readonly nonce: string
  /** Origin of Labgate, when the page is shown on the host of a dialect, where none of our files and other pages are. */
  readonly elsewhere?: string | undefined
  /** Path of this very page, for a switch of languages that comes back to it; absent: no switch. */
  readonly here?: string | undefined
  readonly signedIn?: (PersonView & { readonly signOut?: Post }) | undefined
}

/** Renders every page of ours. */
export interface Pages {
  /** A whole HTML document. Every value is escaped. */
  render<V extends ViewName>(view: V, data: Views[V], options: RenderOptions): string
  readonly texts: Texts
}

const home = import.meta.dirname

/**
 * Reads templates, texts and icons, and compiles them.
 * @throws Fault ERR_CONFIG when a template does not compile, the folder cannot be read or the accent is no colour
 */
export function createPages({ siteName, branding, assets, log, language }: PagesNeeds): Pages {
  const folder = branding.templates
  const eta = compileTemplates([join(home, 'templates'), ...(folder === undefined ? [] : [folder])])
  const texts = loadTexts([join(home, 'texts'), ...(folder === undefined ? [] : [join(folder, 'texts')])], language)
  const icons = readIcons(join(home, 'icons'))
  const languages = texts.locales.map((locale) => ({ locale, name: texts.in(locale)('layout.languageName') }))
  const site = {
    name: siteName,
    support: contactHref(branding.support),
    accent: readAccent(branding.accent, log),
    assets,
    languages,
    // For pages that are shown where no static file of ours can be fetched: on a dialect's host, under a wrong one.
    css: readFileSync(join(home, 'assets', 'style.css'), 'utf8'),
  }
  return {
    texts,
    render: (view, data, options) => {
      const t = texts.in(options.locale)
      return eta.render(`@${view}`, { $: { view, data, site, request: options, t, ...tools(t, icons) } })
    },
  }
}

/** What templates may call, beside `t`. */
function tools(t: Text, icons: ReadonlyMap<string, string>) {
  return {
    icon: (name: string) => iconOf(icons, name),
    when: (at: Date, now: Date) => when(at, now, t.locale),
    left: (at: Date, now: Date) => left(at, now, { locale: t.locale, in: (time) => t('workspaces.in', { time }) }),
    wait: (seconds: number) => wait(seconds, t.locale),
    form: ({ form, ...placing }: { form: Form } & Parameters<typeof formParts>[1]) => formParts(form, placing),
    chooser: chooserParts,
    list: (items: readonly string[]) => new Intl.ListFormat(t.locale).format(items),
    prose: renderMarkdown,
    safeHref,
    safeImage,
    contactHref,
  }
}

// What every template finds at hand; `it` itself holds only what an include or a layout was given.
const header =
  'const { view, data, site, request, t, icon, when, left, wait, form, chooser, list, prose, safeHref, safeImage, contactHref } = it.$;'

function compileTemplates(folders: readonly string[]): Eta {
  const eta = new Eta({ autoEscape: true, cache: true, functionHeader: header })
  for (const [name, file] of folders.flatMap(templatesIn)) {
    try {
      eta.loadTemplate(`@${name}`, readFileSync(file, 'utf8'))
    } catch (cause) {
      throw new Fault('ERR_CONFIG', `${file}: the template cannot be compiled; see the cause`, { cause })
    }
  }
  return eta
}

function templatesIn(folder: string): readonly (readonly [name: string, file: string])[] {
  return listed(folder, '.eta').map((name) => [name.slice(0, -'.eta'.length), join(folder, name)] as const)
}

function listed(folder: string, extension: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(extension))
      .toSorted()
  } catch (cause) {
    throw new Fault('ERR_CONFIG', `${folder}: cannot be read; check branding.templates`, { cause })
  }
}

function readIcons(folder: string): ReadonlyMap<string, string> {
  return new Map(
    listed(folder, '.svg').map((name) => [
      name.slice(0, -'.svg'.length),
      readFileSync(join(folder, name), 'utf8').trim(),
    ]),
  )
}

function iconOf(icons: ReadonlyMap<string, string>, name: string): string {
  const icon = icons.get(name)
  if (icon === undefined) throw new TypeError(`no icon is named ${JSON.stringify(name)}`)
  return icon
}

function readAccent(colour: string | undefined, log: Log): Accent | undefined {
  if (colour === undefined) return undefined
  const accent = accentOf(colour)
  if (accent.adjusted)
    log.warn({ given: colour, used: accent.light.colour }, 'branding.accent was darkened: text in it could not be read')
  return accent
}
