/** Spans and measurements as an SDK of OpenTelemetry gets them, of a whole Labgate; and that nothing runs without one. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { context, metrics, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { createFetch } from '../../../core/http/egress.ts'
import { startCommand, writeConfig } from '../../support/command-line.ts'
import { browser, freePort, relyingParty, signInByEmail } from '../../support/labgate.ts'
import { tempFolder } from '../../support/program.ts'
import { root } from '../../support/sources.ts'
import { testProfiles, type WorkspaceWorld, workspaceWorld } from '../../support/workspaces.ts'

const exporter = new InMemorySpanExporter()
const measured = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
const reader = new PeriodicExportingMetricReader({ exporter: measured, exportIntervalMillis: 3_600_000 })
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const person = 'ada-of-the-spans@example.org'

suite('OpenTelemetry', () => {
  let world: WorkspaceWorld
  let secrets: string[]
  const spans = (fits: (span: ReadableSpan) => boolean) => exporter.getFinishedSpans().filter(fits)
  const named = (name: string | RegExp) =>
    spans((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)))
  const until = async (name: string | RegExp) => {
    for (let tries = 0; tries < 100 && named(name).length === 0; tries++)
      await new Promise((done) => setTimeout(done, 20))
    return named(name)[0] ?? assert.fail(`${name}: ${exporter.getFinishedSpans().map((span) => span.name)}`)
  }

  before(async () => {
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }))
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    propagation.setGlobalPropagator(new W3CTraceContextPropagator())
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
    world = await workspaceWorld({
      workspaces: { profiles: { notebook: { ...testProfiles.notebook, allow: {} } } },
    })
    const agent = browser()
    const party = await relyingParty(world.site.issuer)
    const { url, redeem } = await party.request()
    const back = await signInByEmail(world.site, agent, { at: url, email: person })
    const tokens = await redeem(back.url)
    secrets = [
      tokens.access_token,
      tokens.id_token ?? '',
      back.url.searchParams.get('code') ?? '',
      person,
      'ada-of-the-spans',
    ]
    const list = await agent.open(`${world.site.issuer}/workspaces`)
    const started = await agent.submit(
      list,
      list.forms.find(({ fields }) => 'profile' in fields),
      {},
    )
    secrets.push(started.url.pathname.split('/').at(-1) ?? '', ...agent.cookies.map(({ value }) => value))
  })
  after(async () => {
    await world.stop()
    for (const api of [trace, context, propagation, metrics]) api.disable()
  })

  test('a request is a server span with the pattern of its route, and a child of whom the caller names', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    const headers = { traceparent: `00-${traceId}-b7ad6b7169203331-01` }
    assert.equal((await fetch(`${world.site.issuer}/interaction/a-secret-of-a-path`, { headers })).status, 400)
    const span = await until('GET /interaction/:uid')
    const ours = spans((one) => one.spanContext().traceId === traceId)
    assert.equal(ours[0]?.parentSpanContext?.spanId, 'b7ad6b7169203331')
    assert.equal(span.kind, SpanKind.SERVER)
    const { attributes } = ours.find(({ kind }) => kind === SpanKind.SERVER) ?? assert.fail()
    assert.deepEqual(
      { ...attributes },
      {
        ...{ 'http.request.method': 'GET', 'url.scheme': 'http' },
        ...{ 'http.route': '/interaction/:uid', 'http.response.status_code': 400 },
      },
    )
  })

  test('what never reached a route is a span too, without its path', async () => {
    await fetch(`${world.site.issuer}/nothing/at-all`)
    const span = await until('GET none')
    assert.equal(span.attributes['http.response.status_code'], 404)
  })

  test('a step of a way to sign in is a span within its request, and so is a transaction of the ORM', async () => {
    const begin = await until('sign-in begin')
    const form = await until('sign-in form')
    assert.deepEqual({ ...begin.attributes }, { 'labgate.instance': 'email' })
    const parent = spans((span) => span.spanContext().spanId === form.parentSpanContext?.spanId)[0]
    assert.match(parent?.name ?? '', /^POST \/interaction\//)
    assert.ok(named('storage transaction').some((span) => span.parentSpanContext !== undefined))
  })

  test('operations of a runner are spans with its instance', async () => {
    const launch = await until('runner launch')
    assert.equal(typeof launch.attributes['labgate.runner'], 'string')
    assert.deepEqual(Object.keys(launch.attributes), ['labgate.runner'])
  })

  test('a request to an upstream is a client span that the upstream hears of; what fails is marked', async () => {
    const heard: (string | undefined)[] = []
    const upstream = createServer((request, response) => {
      heard.push(request.headers.traceparent as string | undefined, request.headers['x-own'] as string)
      response.writeHead(request.url === '/bad' ? 500 : 200).end('{}')
    })
    await new Promise<void>((done) => upstream.listen(0, '127.0.0.1', done))
    const { port } = upstream.address() as AddressInfo
    const asking = createFetch({ name: 'upstream-x', allow: ['127.0.0.0/8'], log: quiet })
    const at = (path: string) => `http://127.0.0.1:${port}${path}`
    await (await asking(at('/token?code=a-secret-of-a-query'), { headers: { 'x-own': 'kept' } })).text()
    await (await asking(new Request(at('/bad'), { headers: { 'x-own': 'kept' } }))).text()
    await asking.close()
    await new Promise((done) => upstream.close(done).closeAllConnections())
    await assert.rejects(createFetch({ name: 'upstream-x', allow: ['127.0.0.0/8'], log: quiet })(at('/')))
    const [good, bad, lost] = spans(({ attributes }) => attributes['labgate.upstream'] === 'upstream-x')
    assert.ok(good && bad && lost)
    const { traceId, spanId } = good.spanContext()
    assert.equal(heard[0], `00-${traceId}-${spanId}-01`)
    assert.deepEqual([heard[1], heard[3]], ['kept', 'kept'])
    assert.deepEqual(
      { ...good.attributes },
      {
        ...{ 'http.request.method': 'GET', 'server.address': '127.0.0.1' },
        ...{ 'labgate.upstream': 'upstream-x', 'http.response.status_code': 200 },
      },
    )
    assert.deepEqual([good.kind, bad.status.code], [SpanKind.CLIENT, SpanStatusCode.ERROR])
    assert.ok(typeof lost.attributes['error.type'] === 'string' && lost.events.length === 0)
  })

  test('no span names a person, a path, a query, a cookie or a token', () => {
    const all = exporter.getFinishedSpans()
    assert.ok(all.length > 20)
    const text = JSON.stringify(
      all.map(({ name, attributes, events, status, links }) => ({ name, attributes, events, status, links })),
    )
    for (const secret of [...secrets, 'a-secret-of']) if (secret.length > 8) assert.ok(!text.includes(secret), secret)
  })

  test('the same measurements go to a meter, under the names of the conventions', async () => {
    await reader.forceFlush()
    const found = measured.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap((scope) => scope.metrics))
    const names = new Set(found.map(({ descriptor }) => descriptor.name))
    for (const name of ['http.server.request.duration', 'labgate.sign_ins'])
      assert.ok(names.has(name), [...names].join())
    const points = found.filter(({ descriptor }) => descriptor.name === 'labgate.sign_ins').at(-1)?.dataPoints ?? []
    assert.ok(points.some(({ attributes }) => attributes['labgate.outcome'] === 'done'))
  })
})

test('without an SDK nobody is asked twice: the very listener and no wrapper', () => {
  const script = `
    import { createRequestSpans, outgoingSpans, registeredTracer, spanned, withSpans } from './core/observe/spans.ts'
    import { alsoMetered, registeredMeter } from './core/observe/meter.ts'
    const [object, metrics] = [{}, {}]
    const work = async () => 'done'
    const answers = [registeredTracer(), createRequestSpans(), outgoingSpans(), registeredMeter()]
    const same = withSpans(object, { prefix: '', names: [], attributes: {} }) === object && alsoMetered(metrics) === metrics
    const promise = Promise.resolve('done')
    const through = spanned()({ name: 'x' }, () => promise) === promise
    console.log(JSON.stringify([answers.every((one) => one === undefined), same, through]))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: join(root),
    encoding: 'utf8',
  })
  assert.equal(stdout.trim(), '[true,true,true]', stderr)
})

test('an SDK that `node --import` registers gets the spans, as docs/operate.md says', async () => {
  const folder = await tempFolder()
  const port = await freePort()
  // From a folder without packages of its own.
  const at = (name: string) => JSON.stringify(import.meta.resolve(name))
  const file = join(folder.path, 'tracing.mjs')
  const sdk = `import { ConsoleSpanExporter, SimpleSpanProcessor, TracerProvider } from ${at('@opentelemetry/sdk-trace')}
    import { trace } from ${at('@opentelemetry/api')}
    const spanProcessors = [new SimpleSpanProcessor({ exporter: new ConsoleSpanExporter() })]
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }))`
  await writeFile(file, sdk)
  const config = await writeConfig(folder.path, {
    ...{ issuer: `http://localhost:${port}`, demo: true, data: folder.path, listen: { port }, management: { port: 0 } },
    ...{ mail: { from: { address: 'lab@example.org' }, outbox: join(folder.path, 'outbox') } },
    plugins: { email: { use: '@labgate/auth-email' } },
  })
  const env = { NODE_OPTIONS: `--import ${pathToFileURL(file).href}` }
  const command = startCommand(['serve', '--config', config], { cwd: folder.path, env })
  try {
    await command.says('ready at')
    await fetch(`http://localhost:${port}/?secret=of-a-query`)
    await command.says(/name: 'GET \/'/)
    assert.doesNotMatch(command.output(), /of-a-query/)
  } finally {
    command.process.kill('SIGTERM')
    await command.done
    await folder.remove()
  }
})
