import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Done, startCommand, writeConfig } from '../../support/command-line.ts'
import { startLabgate, type TestLabgate } from '../../support/labgate.ts'
import { type CommandFolder, commandFolder } from '../../support/ledger-commands.ts'

describe('grants by command', () => {
  let at: CommandFolder
  let ada = ''
  before(async () => {
    at = await commandFolder()
    ada = await at.person('ada@example.org')
    await at.text('dataset', 'add', 'fish2', '--version', 'v1')
    await at.text('group', 'add', 'imaging')
  })
  after(() => at.remove())

  test('somebody is named by id, username, verified address, group, name, signed-in and anyone', async () => {
    for (const [word, subject] of [
      [ada, `account:${ada}`],
      ['ada', `account:${ada}`],
      ['ADA@example.org', `account:${ada}`],
      ['account:ada', `account:${ada}`],
      ['group:imaging', 'group:imaging'],
      ['name:email:Eve@Example.org', 'name:email:eve@example.org'],
      ['signed-in', 'signed-in'],
      ['anyone', 'anyone'],
    ] as const) {
      const made = await at.json('grant', 'add', word, 'fish2', '--level', 'view')
      assert.deepEqual([made.subject, made.level, made.dataset], [subject, 'view', 'fish2'], word)
    }
    const again = await at.json('grant', 'list', '--to', 'ada')
    assert.equal(again.length, 1, 'the same grant made twice is one')
    assert.equal((await at.json('grant', 'list')).length, 5)
  })

  test('conditions are kept, shown in words, and a date lasts to its end', async () => {
    const made = await at.json(
      ...['grant', 'add', 'ada', 'fish2', '--version', 'v1', '--permission', 'download', '--why', 'Her thesis'],
      ...['--from', '2027-01-01', '--until', '2027-03-31', '--within-group', 'imaging'],
      ...['--fact', 'orcid', '--fact', 'affiliation=a=b'],
    )
    assert.deepEqual(
      [made.conditions.from, made.conditions.until, made.conditions.withinGroup],
      ['2027-01-01T00:00:00.000Z', '2027-04-01T00:00:00.000Z', 'imaging'],
    )
    assert.deepEqual(
      made.conditions.facts.map(({ claim, equals }: { claim: string; equals?: string }) => [claim, equals]),
      [
        ['affiliation', 'a=b'],
        ['orcid', undefined],
      ],
    )
    const listed = await at.text('grant', 'list', '--search', 'thesis')
    assert.match(listed, /ada +fish2 +v1 +download +from 2027-01-01 00:00, until 2027-04-01 00:00, fact affiliation/)
    assert.match(listed, /labgate grant add/)
  })

  test('a fact is named with its comparison, its sign-in, its age and its trust, as in the console', async () => {
    const facts = [
      'affiliation = Northfield; via email; within 365 days',
      'role in staff, faculty',
      'groups has imaging; trust asserted',
    ]
    const made = await at.json(
      ...['grant', 'add', 'ada', 'fish2', '--permission', 'segment'],
      ...facts.flatMap((fact) => ['--fact', fact]),
    )
    const keyed = (claim: string) => made.conditions.facts.find((one: { claim: string }) => one.claim === claim)
    assert.deepEqual(keyed('affiliation'), {
      ...{ claim: 'affiliation', equals: 'Northfield', via: 'email', withinDays: 365 },
    })
    assert.deepEqual(keyed('role').oneOf.toSorted(), ['faculty', 'staff'])
    assert.deepEqual(keyed('groups'), { claim: 'groups', contains: 'imaging', trust: 'asserted' })
    const listed = await at.text('grant', 'list', '--to', 'ada')
    assert.match(listed, /fact affiliation = "Northfield" by email within 365 days/)
    assert.match(listed, /fact groups with "imaging" at least asserted/)
    const wrong = await at.fails('grant', 'add', 'ada', 'fish2', '--level', 'view', '--fact', 'orcid; soon')
    assert.match(wrong, /cannot be read/)
  })

  test('an ended grant stays in the ledger as ended', async () => {
    const { id } = await at.json('grant', 'add', 'ada', 'fish2', '--level', 'edit')
    assert.match(await at.text('grant', 'end', String(id)), new RegExp(`^Ended: grant ${id}: ada may edit fish2`))
    const [ended] = await at.json('grant', 'list', '--state', 'ended')
    assert.deepEqual([ended.id, ended.endedBy], [id, 'labgate grant end'])
    assert.equal(
      (await at.json('grant', 'list', '--to', 'ada')).some((one: { id: number }) => one.id === id),
      false,
    )
  })

  test('what cannot be is told', async () => {
    assert.match(await at.fails('grant', 'add', 'nobody', 'fish2', '--level', 'view'), /there is no account with id/)
    assert.match(await at.fails('grant', 'add', 'group:none', 'fish2', '--level', 'view'), /There is no group/)
    assert.match(await at.fails('grant', 'add', 'name:x', 'fish2', '--level', 'view'), /a subject is group:SLUG/)
    assert.match(await at.fails('grant', 'add', 'ada', 'none', '--level', 'view'), /there is no dataset none/)
    assert.match(await at.fails('grant', 'add', 'ada', 'fish2', '--level', 'own'), /--level must be one of view, edit/)
    assert.match(await at.fails('grant', 'add', 'ada', 'fish2'), /level|permission/)
    assert.match(await at.fails('grant', 'add', 'ada', 'fish2', '--level', 'view', '--until', 'soon'), /must be a date/)
    assert.match(await at.fails('grant', 'add', 'ada', 'fish2', '--level', 'view', '--version', 'v9'), /no version/)
    assert.match(await at.fails('grant', 'end', '12x'), /is no id of a grant/)
    assert.match(await at.fails('grant', 'end', '999'), /ERR_NOT_FOUND|There is no/)
  })

  test('two accounts with one address are told, and neither is chosen', async () => {
    await at.person('twin@example.org')
    await at.person('twin@example.org')
    const said = await at.fails('grant', 'add', 'twin@example.org', 'fish2', '--level', 'view')
    assert.match(said, /2 accounts have the address twin@example\.org: twin, twin2; name one/)
  })

  test('a name cannot steer the terminal', async () => {
    await at.text('grant', 'add', 'signed-in', 'fish2', '--level', 'view', '--version', 'v1', '--why', 'a\nb')
    assert.doesNotMatch(await at.text('grant', 'list', '--search', 'v1'), /a\nb/)
  })
})

describe('grants beside a running server', () => {
  let site: TestLabgate
  const part = { datasets: { fish2: {} }, grants: [{ to: 'signed-in', dataset: 'fish2', level: 'view' }] }
  before(async () => {
    site = await startLabgate(part)
    await writeConfig(site.folder, {
      ...{ issuer: site.issuer, demo: true, data: site.folder },
      ...{ mail: { from: { address: 'lab@example.org' }, outbox: `${site.folder}/outbox` } },
      plugins: { email: { use: '@labgate/auth-email' } },
      ...part,
    })
  })
  after(() => site.stop())
  const run = (...argv: string[]): Promise<Done> =>
    startCommand([...argv, '--config', 'labgate.yaml'], { cwd: site.folder }).done
  const may = async (verb: string) => {
    const { allowed } = await site.labgate.rooms
      .get('access')
      .decide({ account: undefined, dataset: 'fish2', verb, service: undefined })
    return allowed
  }

  test('the next answer of the server sees what was granted and what was ended', async () => {
    assert.equal(await may('view'), false)
    const added = await run('grant', 'add', 'anyone', 'fish2', '--level', 'view', '--json')
    assert.equal(added.code, 0, added.err)
    assert.equal(await may('view'), true)
    assert.equal((await run('grant', 'end', String(JSON.parse(added.out).id))).code, 0)
    assert.equal(await may('view'), false)
  })

  test('what the config keeps is changed there', async () => {
    const [kept] = JSON.parse((await run('grant', 'list', '--json')).out)
    assert.equal(kept.source, 'config')
    for (const argv of [
      ['grant', 'end', String(kept.id)],
      ['dataset', 'freeze', 'fish2', '--why', 'x'],
      ['dataset', 'remove', 'fish2'],
    ]) {
      const { code, err } = await run(...argv)
      assert.equal(code, 1)
      assert.match(err, /config file/, argv.join(' '))
    }
  })
})
