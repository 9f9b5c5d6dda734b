import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../..')
const skipped = new Set(['node_modules', 'data', '.git'])

function pages(folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return pages(path)
    return entry.name.endsWith('.md') ? [path] : []
  })
}

/** How GitHub makes a heading an anchor, as far as our headings need it. */
function anchors(page: string): Set<string> {
  const headings = readFileSync(page, 'utf8').match(/^#+ .*$/gm) ?? []
  return new Set(
    headings.map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

test('every link between our pages leads somewhere, to a heading that is there', () => {
  const found = pages()
  assert.ok(found.length > 10)
  const broken = found.flatMap((page) => {
    const text = readFileSync(page, 'utf8').replace(/```.*?```/gs, '')
    const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    return links
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#')
        const target = path === '' ? page : join(dirname(page), path)
        return !existsSync(target) || (anchor !== undefined && !anchors(target).has(anchor))
      })
      .map((link) => `${relative(root, page)}: ${link}`)
  })
  assert.deepEqual(broken, [])
})

test('pictures of the documentation stay below 150 kB each', () => {
  const folder = join(root, 'docs/images')
  const large = readdirSync(folder).filter((name) => statSync(join(folder, name)).size > 150_000)
  assert.deepEqual(large, [])
})
