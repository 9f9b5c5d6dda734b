import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { commands } from '../../core/cli/commands.ts'
import { labgate } from '../support/command-line.ts'
import { root } from '../support/sources.ts'

const file = join(root, 'docs', 'commands.md')
const renew = 'RENEW_DOCS=1 node --test test/docs/commands.test.ts'
const marker = '<!-- Below this line: the help of the commands. -->'

async function help(...argv: string[]): Promise<string> {
  const { out } = await labgate([...argv, '--help'], { cwd: root })
  return ['```text', out.trimEnd(), '```'].join('\n')
}

async function wanted(): Promise<string> {
  const parts = [await help()]
  for (const name of Object.keys(commands)) parts.push(`## labgate ${name}`, await help(...name.split(' ')))
  return parts.join('\n\n')
}

test(`docs/commands.md has the help of every command as the commands print it (renew it by: ${renew})`, async () => {
  const [byHand = '', generated = ''] = readFileSync(file, 'utf8').split(marker)
  const text = await wanted()
  if (process.env.RENEW_DOCS === '1') writeFileSync(file, `${byHand.trimEnd()}\n\n${marker}\n\n${text}\n`)
  else assert.equal(generated.trim(), text)
})

test('docs/commands.md and docs/operate.md name no command or option that is not there', async () => {
  for (const page of ['commands.md', 'operate.md', 'configure.md', 'errors.md']) {
    const text = readFileSync(join(root, 'docs', page), 'utf8').split(marker)[0] ?? ''
    for (const [, quoted, block = ''] of text.matchAll(/`labgate ([a-z][^`]*)`|^ *labgate ([a-z].*)$/gm)) {
      const line = quoted ?? block
      const words = line.split(/\s+/)
      const name = [words.slice(0, 2).join(' '), words[0] ?? ''].find((one) => Object.hasOwn(commands, one))
      const isGroup = Object.keys(commands).some((one) => one.startsWith(`${words[0]} `)) && words.length === 1
      assert.ok(name !== undefined || isGroup, `${page}: labgate ${line}`)
      if (name === undefined) continue
      const load = commands[name] ?? assert.fail(name)
      const { options } = (await load()).command
      for (const [, option = ''] of line.matchAll(/ --([a-z-]+)/g))
        assert.ok(option === 'help' || Object.hasOwn(options, option), `${page}: labgate ${line}: --${option}`)
    }
  }
})
