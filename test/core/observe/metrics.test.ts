import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../../../core/observe/metrics.ts'

test('metrics count sign-ins, upstreams and mails by names of few values', async () => {
  const metrics = createMetrics()
  metrics.signIn({ instance: 'github', outcome: 'done' })
  metrics.upstream({ name: 'github', outcome: 'failed', seconds: 0.2 })
  metrics.mail({ outcome: 'sent' })
  metrics.request({ method: 'BREW', route: 'none', status: 404, seconds: 0.001 })
  const text = await metrics.text()
  assert.match(text, /labgate_sign_ins_total\{instance="github",outcome="done"\} 1/)
  assert.match(text, /labgate_upstream_seconds_count\{name="github",outcome="failed"\} 1/)
  assert.match(text, /labgate_mails_total\{outcome="sent"\} 1/)
  assert.match(text, /method="other",route="none"/)
})

test('two sets of metrics do not share their numbers', async () => {
  const [one, two] = [createMetrics(), createMetrics()]
  one.mail({ outcome: 'sent' })
  assert.doesNotMatch(await two.text(), /labgate_mails_total\{/)
})
