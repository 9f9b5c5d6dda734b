/** The commands of docs/datasets.md, run as they stand. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parse } from 'yaml'
import { commands } from '../../core/cli/commands.ts'
import { browser, type Part, signInByEmail, startLabgate } from '../support/labgate.ts'
import { type CommandFolder, commandFolder } from '../support/ledger-commands.ts'
import { root } from '../support/sources.ts'

const page = readFileSync(join(root, 'docs', 'datasets.md'), 'utf8')
const blocks = (language: string) =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, text = '']) => text)

/** Words of a command line as a shell takes them apart. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|'([^']*)'|([^\s"']+)/g)].map(([, one, other, bare]) => one ?? other ?? bare ?? '')
}

/** Files that the commands name. */
const files: Readonly<Record<string, string>> = {
  'fish2-terms.md': '# Using fish2\n\nCite us.\n',
  'fish2-terms-2.md': '# Using fish2\n\nCite us both.\n',
}

describe('docs/datasets.md', () => {
  let at: CommandFolder
  before(async () => {
    at = await commandFolder()
    await at.person('alice@example.org')
    await at.person('cleo@example.org')
    for (const [name, text] of Object.entries(files)) await at.file(name, text)
  })
  after(() => at?.remove())

  test('has commands that run one after the other, as they are written', async () => {
    const lines = blocks('sh')
      .join('\n')
      .split('\n')
      .filter((line) => line.startsWith('labgate '))
    assert.ok(lines.length >= 5)
    for (const line of lines) {
      const { code, out, err } = await at.run(...wordsOf(line).slice(1))
      assert.equal(code, 0, `${line}\n${err}`)
      if (line.startsWith('labgate explain')) assert.match(out, /^Yes: alice may view fish2\./, line)
    }
  })

  test('has a config whose lines count, of people who have not been here too', async () => {
    const [yaml = ''] = blocks('yaml')
    const site = await startLabgate(parse(yaml) as Part)
    try {
      const access = site.labgate.rooms.get('access')
      const open = await access.decide({ account: undefined, dataset: 'fish2', version: 'v1', verb: 'view' })
      const whole = await access.decide({ account: undefined, dataset: 'fish2', verb: 'view' })
      assert.deepEqual([open.allowed, whole.allowed], [true, false])
      await signInByEmail(site, browser(), { at: `${site.issuer}/account`, email: 'alice@example.org' })
      const alice = await site.labgate.rooms.get('accounts').findByVerifiedEmail('alice@example.org')
      assert.ok(alice)
      assert.equal((await access.decide({ account: alice.id, dataset: 'fish2', verb: 'view' })).allowed, true)
    } finally {
      await site.stop()
    }
  })

  test('names no command or option that is not there', async () => {
    for (const [, line = ''] of page.matchAll(/`labgate ([a-z][^`]*)`/g)) {
      const words = line.split(/\s+/)
      const name = [3, 2, 1].map((count) => words.slice(0, count).join(' ')).find((one) => Object.hasOwn(commands, one))
      assert.ok(name, line)
      const { options } = (await commands[name]?.())?.command ?? assert.fail(line)
      for (const [, option = ''] of line.matchAll(/ --([a-z-]+)/g)) assert.ok(Object.hasOwn(options, option), line)
    }
  })
})
