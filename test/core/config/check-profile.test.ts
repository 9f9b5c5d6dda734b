import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFault } from '@labgate/contract'
import { parseConfig } from '../../../core/config/load.ts'

const options = [
  { value: 'imaging', label: 'Imaging' },
  { value: 'optics', label: 'Optics' },
]
const lab = { id: 'lab', label: 'Your lab', type: 'choice', options, group: true }
const base = {
  issuer: 'https://id.example.org',
  keys: [{ env: 'KEY' }],
  plugins: { email: { use: 'x' } },
  datasets: { fish: {} },
  profile: { questions: [lab] },
}

/** What is wrong, one a line, without the name of the file. */
function wrong(config: object): string[] {
  try {
    parseConfig(JSON.stringify({ ...base, ...config }), { name: 'x.yaml', env: { KEY: 'k' } })
    return []
  } catch (error) {
    assert.ok(isFault(error) && error.code === 'ERR_CONFIG', String(error))
    return error.message.split('\n').map((line) => line.replace(/^x\.yaml:\d+:\d+: /, ''))
  }
}
const asking = (...questions: object[]) => wrong({ profile: { questions } })
const grant = (more: object) => wrong({ grants: [{ to: 'signed-in', dataset: 'fish', level: 'view', ...more }] })

test('questions, their groups and claims have no mistakes', () => {
  assert.deepEqual(wrong({}), [])
  assert.deepEqual(wrong({ claims: { lab: { lab: 'answer:lab' } } }), [])
  assert.deepEqual(grant({ to: 'group:profile:lab/imaging' }), [])
  assert.deepEqual(grant({ facts: [{ claim: 'lab', via: 'profile', trust: 'self' }] }), [])
})

test('a question is asked once, a choice has options, a text has none', () => {
  const at = 'profile.questions[0]'
  assert.deepEqual(asking(lab, { ...lab, type: 'text', options: [], group: false }), [
    'profile.questions[1].id: is the id of a question above',
  ])
  assert.deepEqual(asking({ ...lab, options: [] }), [`${at}: a choice needs \`options\``])
  assert.deepEqual(asking({ ...lab, type: 'text' }), [
    `${at}.options: goes with \`type: choice\` only; a text has none`,
    `${at}.group: goes with \`type: choice\` only`,
  ])
  assert.deepEqual(asking({ ...lab, options: [...options, { value: 'imaging', label: 'Again' }] }), [
    `${at}.options[2].value: is the value of an option above`,
  ])
  assert.match(asking({ ...lab, id: 'lab/x' })[0] ?? '', /id: must be small letters/)
  for (const value of ['', ' a', 'a ', 'a/b', 'a:b', 'é', 'x'.repeat(101)])
    assert.match(asking({ ...lab, options: [{ value, label: 'X' }] })[0] ?? '', /value: (must|is too short)/, value)
})

test('an answer never has the name of what sign-ins vouch for', () => {
  for (const id of ['email', 'groups', 'orcid', 'sub'])
    assert.match(asking({ ...lab, id })[0] ?? '', /is what sign-ins vouch for/)
})

test('what speaks of an answer names a question that is there', () => {
  assert.deepEqual(wrong({ claims: { lab: { lab: 'answer:lb' } } }), [
    'claims.lab.lab: there is no question `lb` in `profile`; did you mean `lab`?',
  ])
  assert.deepEqual(grant({ to: 'group:profile:lab/imagign' }), [
    'grants[0].to: no answer of `profile` leads to the group `profile:lab/imagign`; did you mean `profile:lab/imaging`?',
  ])
  assert.deepEqual(grant({ facts: [{ claim: 'lab', via: 'profile' }] }), [
    'grants[0].facts[0].trust: what people say of themselves counts with `trust: self` only',
  ])
})

test('no plugin has the name of a source of Labgate’s own', () => {
  for (const id of ['admin', 'config', 'database', 'import', 'profile', 'system'])
    assert.deepEqual(wrong({ plugins: { [id]: { use: 'x', enabled: false } } }), [
      `plugins.${id}: an instance cannot be called \`${id}\`: that name stands for what Labgate itself keeps; choose another id`,
    ])
})
