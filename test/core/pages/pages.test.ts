import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { faults, isFault } from '@labgate/contract'
import { createPages } from '../../../core/pages/pages.ts'
import type { Views } from '../../../core/pages/views.ts'
import { galleryData, renderSample, type Sample, samplePages } from '../../support/gallery.ts'

const templates = join(import.meta.dirname, '../../../core/pages/templates')
const options = { locale: 'en', nonce: 'n0nce' }
const pages = samplePages()

/** Values that choose among shapes, and so never come from outside. */
const chosenByUs = new Set(['tone', 'type', 'role', 'state', 'level', 'levels', 'kind'])

function spoil(value: unknown, change: (text: string, key: string) => string, key = ''): unknown {
  if (typeof value === 'string') return chosenByUs.has(key) ? value : change(value, key)
  if (Array.isArray(value)) return value.map((part) => spoil(part, change, key))
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, spoil(part, change, name)]))
}

function spoiled(sample: Sample, change: (text: string, key: string) => string): string {
  return renderSample(pages, { ...sample, data: spoil(sample.data, change) } as Sample)
}

/** Without our own scripts: a file, or the one that hands a message to the window that waits for it. */
function withoutOwn(html: string): string {
  return html
    .replaceAll(/<script src="\/assets\/[\w.-]+\.js" nonce="sample-nonce" defer><\/script>/g, '')
    .replace(
      /<script nonce="sample-nonce" data-message="[^"<]*" data-origins="[^"<]*">\nif \(window[^<]*<\/script>/,
      '',
    )
}

suite('every view', () => {
  test('the gallery shows every template that is a page', async () => {
    const files = (await readdir(templates)).map((file) => file.replace(/\.eta$/, ''))
    const shown = new Set<string>(galleryData().map((sample) => sample.view))
    const included = new Set<string>()
    for (const file of await readdir(templates))
      for (const [, name = ''] of (await readFile(join(templates, file), 'utf8')).matchAll(
        /(?:include|layout)\('@([\w-]+)'/g,
      ))
        included.add(name)
    assert.ok(included.size > 10)
    assert.deepEqual(
      [...shown].filter((view) => !files.includes(view)),
      [],
    )
    assert.deepEqual(
      files.filter((file) => !shown.has(file) && !included.has(file)),
      [],
      'a page without a sample, or a part that nothing includes',
    )
  })

  for (const sample of galleryData()) {
    test(`${sample.name} escapes markup in every string (S14)`, () => {
      const attack = `"'><script>alert(1)</script><img src=x onerror=alert(1)>`
      const html = withoutOwn(spoiled(sample, (text) => text + attack))
      assert.doesNotMatch(html, /<script/i)
      assert.doesNotMatch(html, /<img src=x/i)
    })

    test(`${sample.name} links to no script (S14)`, () => {
      const html = spoiled(sample, (text, key) => (key === 'action' ? text : 'javascript:alert(1)'))
      assert.doesNotMatch(html, /(href|src|action)="\s*javascript:/i)
    })

    test(`${sample.name} has no script, no inline style and no handler`, () => {
      const html = withoutOwn(renderSample(pages, sample))
      assert.doesNotMatch(html, /<script|\sstyle=|\son\w+=/i)
    })

    test(`${sample.name} posts every form with its CSRF token`, () => {
      const html = renderSample(pages, sample)
      const forms = html.match(/<form[\s\S]*?<\/form>/g) ?? []
      for (const form of forms) {
        // The choice of a language is nobody's secret: there the browser vouches for the origin.
        if (form.startsWith('<form method="post" action="/language"')) {
          assert.doesNotMatch(form, /_csrf/)
          continue
        }
        // Searching changes nothing: the words stand in the address.
        if (/^<form method="get" action="\/[^"]*"[^>]* role="search"/.test(form)) {
          assert.doesNotMatch(form, /_csrf/)
          continue
        }
        assert.match(form, /^<form method="post" action="\/[^"]*"/)
        assert.match(form, /<input type="hidden" name="_csrf" value="sample-csrf">/)
      }
    })

    test(`${sample.name} has at most one primary action, one h1 and unique ids`, () => {
      const html = renderSample(pages, sample)
      const ids = [...html.matchAll(/\sid="([^"]+)"/g)].map((match) => match[1])
      assert.ok((html.match(/class="(button )?primary"/g) ?? []).length <= 1)
      assert.equal((html.match(/<h1>/g) ?? []).length, 1)
      assert.deepEqual(ids, [...new Set(ids)])
    })
  }
})

suite('templates', () => {
  test('print raw only what is markup of ours: includes, icons, safe Markdown, the body and the style sheet', async () => {
    for (const file of await readdir(templates)) {
      const raw = [...(await readFile(join(templates, file), 'utf8')).matchAll(/<%~\s*(.*?)\s*%>/g)].map(
        (m) => m[1] ?? '',
      )
      for (const code of raw)
        assert.match(code, /^(include\('@|icon\(|prose\(|it\.body$|site\.css$)/, `${file}: ${code}`)
    }
  })

  test('hold no words of their own', async () => {
    for (const file of await readdir(templates)) {
      const source = await readFile(join(templates, file), 'utf8')
      const bare = source
        .replace(/<style[\s\S]*?<\/style>/g, '')
        .replace(/<script[\s\S]*?<\/script>/g, '')
        .replace(/<%[\s\S]*?%>/g, '')
        .replace(/<[^>]*>/g, '')
      assert.doesNotMatch(bare.replace('<!doctype html>', ''), /[A-Za-z]{2,}/, file)
    }
  })
})

suite('texts', async () => {
  const english = flatten(JSON.parse(await readFile(join(templates, '../texts/en.json'), 'utf8')))
  const sources = await sourcesOfCore()
  const families = [
    'faults.',
    'claims.',
    'access.states.',
    'access.levels.',
    'access.verbs.',
    'access.lines.',
    'history.what.',
    'scopes.',
    'account.roles.',
    'login.refused.',
    'invited.role.',
    'invited.became.',
    'mail.level.',
    'terms.why.',
    'terms.gives.',
    'terms-done.level.',
    'tokens.states.',
    'console.terms.states.',
    'console.states.',
    'console.nav.',
    'console.clients.sources.',
    'console.clients.presets.',
    'console.clients.files.',
    'console.home.',
    'console.subjects.',
    'console.kinds.',
    'console.ds.',
    'console.roots.',
    'console.grant.',
    'console.if.',
    'console.missing.',
    'console.request.',
    'console.explain.',
    'console.trust.',
    'console.people.any.',
    'console.people.kinds.',
    'console.person.links.',
    'console.merge.',
    'console.invite.states.',
    'console.ws.',
    'workspaces.limits.',
    'workspaces.states.',
    'workspaces.events.',
    'workspaces.reasons.',
    'login.rule.',
    'sandbox.reasons.',
    'sandbox.opens.',
    'sandbox.states.',
    'sandbox.trust.',
    'sandbox.group.',
  ]

  test('every key that the templates name exists', async () => {
    for (const file of await readdir(templates)) {
      const source = await readFile(join(templates, file), 'utf8')
      for (const [, key = ''] of source.matchAll(/\bt\('([^']+)'[,)]/g)) assert.ok(english.has(key), `${file}: ${key}`)
    }
  })

  test('every key is used', () => {
    const literal = [...english.keys()].filter((key) => !families.some((family) => key.startsWith(family)))
    assert.deepEqual(
      literal.filter((key) => !sources.includes(`'${key}'`)),
      [],
    )
  })

  test('every fault that is shown has a title and advice', () => {
    // A wrong host has a page of its own.
    const shown = Object.entries(faults).filter(([code, row]) => row.shown && code !== 'ERR_HOST')
    for (const [code] of shown)
      for (const part of ['title', 'advice']) assert.ok(english.has(`faults.${code}.${part}`), `${code} ${part}`)
  })

  test('every fault text belongs to a fault', () => {
    const codes = [...english.keys()].filter((key) => key.startsWith('faults.')).map((key) => key.split('.')[1] ?? '')
    assert.deepEqual(
      codes.filter((code) => !Object.hasOwn(faults, code)),
      [],
    )
  })
})

suite('an error page', () => {
  const error: Views['error'] = { code: 'ERR_STORAGE', requestId: 'r-1' }

  test('says only that something went wrong when there are no words for the person', () => {
    const html = pages.render('error', { ...error, code: 'ERR_INTERNAL' }, options)
    assert.match(html, /<h1>Something went wrong<\/h1>/)
    assert.match(html, /It is not your doing/)
    assert.match(html, /<code>ERR_INTERNAL<\/code>/)
    assert.match(html, /<code>r-1<\/code>/)
  })

  test('has title and advice by code, and says how long to wait', () => {
    const html = pages.render(
      'error',
      { ...error, code: 'ERR_RATE', message: 'Slowly.', retryAfterSeconds: 600 },
      options,
    )
    assert.match(html, /<h1>Too many tries<\/h1>/)
    assert.match(html, /Slowly\./)
    assert.match(html, /10 minutes/)
  })
})

suite('a chooser', () => {
  const chooser = (name: string) => renderSample(pages, galleryData().find((sample) => sample.name === name) as Sample)

  test('asks once whether to stay signed in, for all buttons and the first method with fields', () => {
    assert.equal((chooser('chooser').match(/name="remember"/g) ?? []).length, 1)
  })

  test('gives a method that asks a password a form of its own', () => {
    const form = chooser('chooser-again').match(/<form[^>]*m\/directory"[\s\S]*?<\/form>/)?.[0] ?? ''
    assert.match(form, /type="password"/)
    assert.doesNotMatch(form, /m\/github/)
  })

  test('shows why a method is unavailable, and no button for it', () => {
    const html = chooser('chooser-again')
    assert.match(html, /Demo University does not answer at the moment\./)
    assert.doesNotMatch(html, /m\/university/)
  })
})

suite('a page under a wrong host', () => {
  test('brings its style with it, because no static file can be fetched there', () => {
    const html = pages.render('wrong-host', { href: 'http://localhost:8080/x', typed: '127.0.0.1:8080' }, options)
    assert.match(html, /<style nonce="n0nce">\/\* Labgate/)
    assert.doesNotMatch(html, /\/assets\//)
    assert.match(html, /href="http:\/\/localhost:8080\/x"/)
  })
})

suite('branding', () => {
  test('without an accent there is no style element', () => {
    assert.doesNotMatch(pages.render('message', { title: 'T', text: [] }, options), /<style/)
  })

  test('an accent is a style element with the nonce, darkened where it could not be read, and said in the log', () => {
    const lines: unknown[] = []
    const log = { ...console, warn: (fields: unknown) => lines.push(fields) }
    const needs = { siteName: 'Lab', branding: { accent: '#ff0' }, assets: {}, log }
    const html = createPages(needs).render('message', { title: 'T', text: [] }, options)
    assert.match(html, /<style nonce="n0nce">\s*:root { --accent: #[0-9a-f]{6};/)
    assert.doesNotMatch(html, /--accent: #ffff00; --on-accent: #ffffff/)
    assert.equal(lines.length, 1)
  })

  test('the deployer’s logo stands in the place of ours', () => {
    const needs = { siteName: 'Lab', branding: {}, assets: { brand: '/assets/brand.1.png' }, log: console }
    const html = createPages(needs).render('message', { title: 'T', text: [] }, options)
    assert.match(html, /<img src="\/assets\/brand\.1\.png" alt="" height="28">/)
    assert.doesNotMatch(html, /class="gate"/)
  })

  test('a template and a language of the deployer are laid over ours', async (t) => {
    const folder = await overlay(t, {
      'message.eta': `<% layout('@layout', { title: data.title }) %><h1>Ours: <%= data.title %></h1><p><%= t('own.word') %></p>`,
      'texts/nl.json': '{ "home": { "signIn": "Inloggen" }, "own": { "word": "Wort" } }',
    })
    const own = samplePages({ templates: folder })
    const html = own.render('message', { title: '<b>', text: [] }, { ...options, locale: 'nl' })
    assert.match(html, /<html lang="nl">/)
    assert.match(html, /<h1>Ours: &lt;b&gt;<\/h1><p>Wort<\/p>/)
    const home = own.render('home', { links: [] }, { ...options, locale: 'nl' })
    assert.match(home, /Inloggen/)
    assert.match(home, /Welcome to Northfield Lab/, 'English where the language has no word')
  })

  test('a template that does not compile stops the start and names the file', async (t) => {
    const folder = await overlay(t, { 'message.eta': '<% if ( %>' })
    assert.throws(
      () => samplePages({ templates: folder }),
      (error) => isFault(error) && error.code === 'ERR_CONFIG' && error.message.includes('message.eta'),
    )
  })

  test('a template folder that is not there stops the start', () => {
    assert.throws(
      () => samplePages({ templates: '/no/such/folder' }),
      (error) => isFault(error) && error.code === 'ERR_CONFIG' && error.message.includes('branding.templates'),
    )
  })
})

interface Cleaner {
  after(work: () => Promise<void>): void
}

async function overlay(t: Cleaner, files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'labgate-pages-'))
  t.after(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'texts'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  return folder
}

function flatten(tree: object, prefix = ''): Map<string, string> {
  return new Map(
    Object.entries(tree).flatMap(([key, value]) =>
      typeof value === 'string' ? [[prefix + key, value] as const] : [...flatten(value, `${prefix}${key}.`)],
    ),
  )
}

async function sourcesOfCore(): Promise<string> {
  const core = join(import.meta.dirname, '../../../core')
  const files = (await readdir(core, { recursive: true })).filter(
    (file) => /\.(ts|eta)$/.test(file) && !file.includes('node_modules'),
  )
  return (await Promise.all(files.map((file) => readFile(join(core, file), 'utf8')))).join('\n')
}
