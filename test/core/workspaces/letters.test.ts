import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Message } from '@labgate/contract'
import { loadTexts } from '../../../core/pages/text.ts'
import { createWorkspaceLetters } from '../../../core/workspaces/letters.ts'
import { root } from '../../support/sources.ts'

const texts = loadTexts([join(root, 'core/pages/texts')])
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

async function letterIn(language: string, emailVerified = true): Promise<Message | undefined> {
  const sent: Message[] = []
  const tell = createWorkspaceLetters({
    accounts: { find: async (id) => ({ id, email: 'ada@example.org', emailVerified }) as never },
    mail: { send: async (message) => void sent.push(message) },
    ...{ log: quiet, siteName: 'Northfield', issuer: 'https://id.example.org' },
    wordsFor: async () => texts.in(language),
  })
  const workspace = { id: 'w1', title: '<b>Fish</b>', leaseEndsAt: new Date('2026-03-04T17:30:00Z') }
  await tell({ to: 'a1', about: 'lease', workspace: workspace as never })
  return sent[0]
}

test('a lease that ends is told in the language of the owner, its instant as that language writes it', async () => {
  assert.match((await letterIn('de'))?.text ?? '', /„<b>Fish<\/b>“ bei Northfield endet am 4\. März 2026 um 17:30 UTC/)
  assert.match((await letterIn('en'))?.text ?? '', /at Northfield ends at March 4, 2026 at 5:30\sPM UTC/)
})

test('markup in a title stays text, and nobody is written to at an address that was not proved', async () => {
  assert.doesNotMatch((await letterIn('de'))?.html ?? '<b>', /<b>/)
  assert.equal(await letterIn('de', false), undefined)
})
