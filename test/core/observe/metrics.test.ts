import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram, Registry } from 'prom-client'
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

test('requests are scraped as prom-client itself would count them', async () => {
  const metrics = createMetrics()
  const registry = new Registry()
  const name = 'labgate_http_request_seconds'
  const theirs = new Histogram({
    ...{
      name,
      help: 'Time from a request to the end of its response, by pattern of the route.',
      registers: [registry],
    },
    labelNames: ['method', 'route', 'status'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  })
  const samples = [0, 0.002, 0.0021, 0.3, 10, 11, 0.05].map((seconds, at) => ({
    ...{ method: at % 2 === 0 ? 'GET' : 'POST', route: at < 5 ? '/a' : '/b/:"c"', status: 200 + at, seconds },
  }))
  for (const { seconds, ...labels } of [...samples, ...samples]) {
    metrics.request({ ...labels, seconds })
    theirs.observe(labels, seconds)
  }
  const lines = (text: string) => text.split('\n').filter((line) => line.includes(name))
  assert.deepEqual(lines(await metrics.text()), lines(await registry.metrics()))
})
