/** runner-ssh passes the conformance cases of its kind. @module */
import { after } from 'node:test'
import { runnerConformance } from '@labgate/testkit'
import { needs } from '../../support/needs.ts'
import { startSshd } from '../../support/sshd.ts'
import { sshSuite } from './suite.ts'

if (!needs('sshd')) {
  const sshd = await startSshd()
  after(() => sshd.close())
  runnerConformance(sshSuite(sshd))
}
