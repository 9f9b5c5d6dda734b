/** What is scraped: as Prometheus' own tool reads it, as docs/operate.md describes it, and as the dashboard asks for it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { browser, relyingParty, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { needs, programOf } from '../support/needs.ts'
import { root } from '../support/sources.ts'

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
}

const page = readFileSync(join(root, 'docs', 'operate.md'), 'utf8')
const dashboard = JSON.parse(readFileSync(join(root, 'docs', 'grafana-dashboard.json'), 'utf8')) as Dashboard
const expressions = dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => ({ title, expr })))

/** Names that may stand in an expression, with the labels that their series have. */
function seriesOf(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  for (const [, name = '', labels = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    const known = found.get(name) ?? new Set()
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label)
    found.set(name, known)
  }
  return found
}

suite('/metrics', () => {
  let site: TestLabgate
  let scraped: string
  before(async () => {
    site = await startLabgate()
    const { request } = await relyingParty(site.issuer)
    await signInByEmail(site, browser(), { at: (await request()).url, email: 'ada@example.org' })
    const metrics = site.labgate.rooms.get('metrics')
    metrics.upstream({ name: 'github', outcome: 'answered', seconds: 0.1 })
    metrics.mail({ outcome: 'sent' })
    scraped = await (await fetch(`http://127.0.0.1:${site.managementPort}/metrics`)).text()
  })
  after(() => site.stop())

  const families = () =>
    [...scraped.matchAll(/^# TYPE (labgate_\w+) (\w+)$/gm)].map(([, name, type]) => ({ name, type }))

  test('promtool finds nothing wrong', { skip: needs('promtool') }, () => {
    const { status, stdout, stderr } = spawnSync(programOf('promtool'), ['check', 'metrics'], {
      input: scraped,
      encoding: 'utf8',
    })
    const ours = `${stdout}${stderr}`.split('\n').filter((line) => /labgate|error/i.test(line))
    assert.deepEqual(ours, [])
    // 3: its lint has advice, here on the names that Node's own metrics have had for years.
    assert.ok(status === 0 || status === 3, `${status}: ${stdout}${stderr}`)
  })

  test('promtool refuses what is no exposition', { skip: needs('promtool') }, () => {
    const broken = scraped.replace(/^# TYPE labgate_mails_total .*$/m, '# TYPE labgate_mails_total nonsense')
    assert.notEqual(spawnSync(programOf('promtool'), ['check', 'metrics'], { input: broken }).status, 0)
  })

  test('docs/operate.md has every metric of ours with its labels, and no other', () => {
    const rows = [...page.matchAll(/^\| `(labgate_\w+)` \|(.*?)\| .* \|$/gm)].map(([, name = '', labels = '']) => ({
      name,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label ?? '').toSorted(),
    }))
    assert.deepEqual(
      rows.map(({ name }) => name).toSorted(),
      families()
        .map(({ name }) => name ?? '')
        .toSorted(),
    )
    const series = seriesOf(scraped)
    for (const { name, labels } of rows) {
      const own = series.get(name) ?? series.get(`${name}_count`)
      // A counter that never counted has no series to look at.
      if (own && own.size > 0) assert.deepEqual([...own].filter((label) => label !== 'le').toSorted(), labels, name)
    }
  })

  test('the dashboard asks for metrics and labels that are there', () => {
    const series = seriesOf(scraped)
    const known = new Set([...series.keys(), ...families().map(({ name }) => name ?? '')])
    assert.ok(expressions.length >= 14)
    for (const { title, expr } of expressions) {
      const names = expr.match(/\b(labgate|process|nodejs)_\w+/g) ?? []
      assert.ok(names.length > 0, title)
      for (const name of names) assert.ok(known.has(name), `${title}: ${name}`)
      const grouped = [...expr.matchAll(/by \(([^)]*)\)/g)].flatMap(([, labels = '']) => labels.split(/,\s*/))
      const matched = [...expr.matchAll(/(\w+)(?:=~|!=|=)"/g)].map(([, label = '']) => label)
      const ofSeries = new Set(names.flatMap((name) => [...(series.get(name) ?? [])]))
      for (const label of [...grouped, ...matched])
        if (ofSeries.size > 0 && !['instance', 'exported_instance'].includes(label))
          assert.ok(ofSeries.has(label), `${title}: ${label}`)
    }
  })

  test('Prometheus can read every expression of the dashboard', { skip: needs('promtool') }, () => {
    const rules = expressions.map(({ expr }, index) => ({
      record: `panel:${index}`,
      expr: expr.replaceAll('$instance', '.*'),
    }))
    const file = join(site.folder, 'rules.yaml')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }))
    const { status, stderr } = spawnSync(programOf('promtool'), ['check', 'rules', file], { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
  })
})
