import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { runnerConformance } from '@labgate/testkit'
import { localSuite } from './support/runner-suites.ts'

const folder = mkdtempSync(join(tmpdir(), 'labgate-local-'))
after(() => rmSync(folder, { recursive: true, force: true }))

runnerConformance(localSuite(folder))
