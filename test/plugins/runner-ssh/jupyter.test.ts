/** Debian's notebook server on a host, reached through its tunnel. @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { presets } from '../../../core/workspaces/presets.ts'
import { needs } from '../../support/needs.ts'
import { appProfile, ask, ended, inWorld, launch, requestOf, until } from './world.ts'

test(
  'a real notebook server starts, takes its token from its file, and answers through the tunnel',
  { skip: needs('sshd', 'jupyter-notebook') },
  () =>
    inWorld({}, async (world) => {
      const { runner } = world
      const { command, environment } = presets['jupyter-notebook']
      const asRoot = process.getuid?.() === 0 ? ['--allow-root'] : []
      const profile = appProfile({ command: [...command, ...asRoot], environment })
      const secrets = { token: 'a-token-for-the-notebook' }
      const { state, lines } = await launch(runner, runner.plan(requestOf({ basePath: '/w/book/' }), profile), {
        secrets,
      })
      assert.ok(lines.includes('Starts on one.'))
      await until(async () => (await ask(runner, state, '/w/book/api')).status === 200, 'it answers')
      const token = secrets.token
      assert.equal((await ask(runner, state, '/w/book/api/status', token)).status, 200)
      assert.equal((await ask(runner, state, '/w/book/api/status', 'another')).status, 403)
      const contents = JSON.parse((await ask(runner, state, '/w/book/api/contents', token)).body)
      assert.deepEqual(contents.content, [], 'it shows the person’s folder')
      assert.ok(
        world.processes().every(({ argv, environment: words }) => ![...argv, ...words].join(' ').includes(token)),
      )
      await ended(runner, state)
    }),
)
