import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import plugin from '@labgate/auth-labarchives'
import { callbackReply, configFrom, formReply } from '@labgate/testkit'
import { placeOf } from '../../../plugins/auth-labarchives/regions.ts'
import { labKey, labPeople, startLabArchives } from '../../support/labarchives.ts'
import { calm, doneOf, factOf, type LabWorld, labWorld, noOf } from './world.ts'

const uid = labPeople[0]?.uid ?? ''

const lab = await startLabArchives()
after(() => lab.close())
afterEach(() => calm(lab))

const dialects = (from: number) =>
  lab.spoken.slice(from).map(({ method, algorithm, expires }) => `${method} ${algorithm} ${expires}`)

describe('regions', () => {
  const hosts = {
    us: 'api.labarchives.com',
    ca: 'caapi.labarchives.com',
    au: 'auapi.labarchives.com',
    uk: 'ukapi.labarchives.com',
    eu: 'euapi.labarchives.com',
    gov: 'api.labarchives-gov.com',
  } as const
  for (const [region, host] of Object.entries(hosts)) {
    test(`${region} is ${host}, by name and by address`, () => {
      const place = { origin: `https://${host}`, host, region }
      assert.deepEqual(placeOf({ region: region as keyof typeof hosts }), place)
      assert.deepEqual(placeOf({ region: 'us', baseUrl: `https://${host}/` }), place)
    })
  }

  test('the default is the United States, and a host of nobody’s is its own region', () => {
    const { region } = configFrom(plugin.config, labKey)
    assert.equal(region, 'us')
    assert.equal(placeOf({ region, baseUrl: 'https://eln.example.org' }).region, 'eln.example.org')
  })
})

describe('the way by their page', () => {
  test('leads to the signed address at the root, with the secret path as the redirect', async () => {
    const { to, attempt } = await labWorld(lab).begin()
    assert.equal(to.origin + to.pathname, `${lab.origin}/api_user_login`)
    assert.equal(to.searchParams.get('redirect_uri'), attempt.secretUri.href)
    assert.deepEqual([...to.searchParams.keys()].toSorted(), ['akid', 'expires', 'redirect_uri', 'sig'])
    assert.ok(!to.href.includes(labKey.accessPassword))
  })

  test('signs in, with facts by tag and the subject and UID apart', async () => {
    const done = await labWorld(lab).assertion('ada')
    assert.equal(done.issuer, lab.origin)
    assert.match(done.subject, /^[\w-]{43}$/)
    assert.deepEqual(factOf(done, 'email'), { value: 'ada@example.org', trust: 'verified' })
    assert.deepEqual(factOf(done, 'name'), { value: 'Ada <Lovelace> & Söhne', trust: 'asserted' })
    assert.deepEqual(factOf(done, 'labarchives_region')?.value, new URL(lab.origin).host)
    assert.deepEqual(factOf(done, 'labarchives_notebooks')?.value, [
      { id: 'MTAuNHw4LzgvTm90ZWJvb2svMQ==', name: 'Engine "A" & notes', is_default: true },
      { id: 'MTAuNHw4LzgvTm90ZWJvb2svMg==', name: 'Bernoulli', is_default: false },
    ])
    assert.deepEqual(done.amr, [])
  })

  test('the UID is kept for the core to seal and is no fact (labapi 3.5)', async () => {
    const world = labWorld(lab)
    const { keep, ...rest } = await world.assertion('ada')
    assert.ok(JSON.stringify(keep).includes(uid))
    const seen = JSON.stringify([rest, world.store.history, world.logs])
    assert.ok(!seen.includes(JSON.stringify(uid).slice(1, -1)), 'the UID is in a fact, the store or the log')
  })

  test('the UID becomes a fact only where the deployer says so, notebooks can be left out', async () => {
    const done = await labWorld(lab, { shareUid: true, notebooks: false }).assertion('ada')
    assert.deepEqual(factOf(done, 'labarchives_uid')?.value, uid)
    assert.equal(factOf(done, 'labarchives_notebooks'), undefined)
  })

  test('subjects differ by person and stay when the access password changes hands', async () => {
    const [ada, again, grace] = [
      await labWorld(lab).assertion('ada'),
      await labWorld(lab, { signatureAlgorithm: 'sha1' }).assertion('ada'),
      await labWorld(lab).assertion('grace'),
    ]
    assert.equal(ada.subject, again.subject)
    assert.notEqual(ada.subject, grace.subject)
  })

  test('says no when the person turned it down there', async () => {
    assert.equal(noOf(await labWorld(lab).signIn('deny')).reason, 'denied')
  })

  test('the e-mail in the query proves nothing: with another person’s code it is refused (labapi 3.3)', async () => {
    lab.faults.callback = (url) => {
      url.searchParams.set('email', 'grace@example.org')
      return url
    }
    assert.equal(noOf(await labWorld(lab).signIn('ada')).reason, 'denied')
  })

  test('an address that the answer does not confirm is not verified', async () => {
    lab.faults.answer = (xml) => xml.replace(/<email>[^<]*/, '<email>other@example.org')
    const done = await labWorld(lab).assertion('ada')
    assert.deepEqual(factOf(done, 'email'), { value: 'other@example.org', trust: 'asserted' })
  })

  test('an answer without an address leaves the one that was exchanged', async () => {
    lab.faults.answer = (xml) => xml.replace(/<email>[^<]*<\/email>/, '')
    const done = await labWorld(lab).assertion('ada')
    assert.deepEqual(factOf(done, 'email'), { value: 'ada@example.org', trust: 'verified' })
  })

  test('a callback on any other path is refused before anybody is asked (labapi 3.6)', async () => {
    const world = labWorld(lab)
    const { to, attempt } = await world.begin()
    const back = await lab.signIn(to, 'ada')
    const asked = lab.requests.length
    const { attempt: elsewhere } = await world.begin()
    const plain = new URL(`${attempt.redirectUri.href}${back.search}&state=${attempt.state}`)
    const tries = [
      [callbackReply(plain), attempt],
      [callbackReply(back), elsewhere],
      [callbackReply(back, { method: 'POST' }), attempt],
      [formReply({ email: 'ada@example.org', code: back.searchParams.get('auth_code') ?? '' }), attempt],
      [callbackReply(back), { ...attempt, kept: undefined }],
    ] as const
    for (const [reply, on] of tries) assert.equal(noOf(await world.next(reply, on)).reason, 'failed')
    assert.equal(lab.requests.length, asked)
    doneOf(await world.next(callbackReply(back), attempt))
  })

  test('a code counts once, although LabArchives takes it for an hour', async () => {
    const world = labWorld(lab)
    const { to, attempt } = await world.begin()
    const back = await lab.signIn(to, 'ada')
    doneOf(await world.next(callbackReply(back), attempt))
    assert.equal(noOf(await world.next(callbackReply(back), attempt)).reason, 'used')
    const { attempt: second } = await world.begin()
    const replayed = new URL(`${second.secretUri.href}${back.search}`)
    assert.equal(noOf(await world.next(callbackReply(replayed), second)).reason, 'used')
  })

  test('a query with a name twice, without one or with something endless is refused before anybody is asked', async () => {
    const world = labWorld(lab)
    const { attempt } = await world.begin()
    const asked = lab.requests.length
    const long = 'x'.repeat(300)
    const queries = [
      '?',
      '?auth_code=a',
      '?email=a@example.org',
      '?auth_code=a&auth_code=b&email=a@example.org',
      '?auth_code=a&email=a@example.org&email=b@example.org',
      '?auth_code=&email=a@example.org',
      `?auth_code=${long}&email=a@example.org`,
      `?auth_code=a&email=${long}@example.org`,
    ]
    for (const query of queries) {
      noOf(await world.next(callbackReply(new URL(query, attempt.secretUri)), attempt))
    }
    assert.equal(lab.requests.length, asked)
  })
})

describe('the two dialects seen in the wild', () => {
  test('SHA-512 with a future expiry is the default', async () => {
    const from = lab.spoken.length
    await labWorld(lab).assertion('ada')
    assert.deepEqual(dialects(from), ['api_user_login sha512 future', 'user_access_info sha512 future'])
    const [login, call] = lab.spoken.slice(from)
    assert.ok(Math.abs((login?.aheadMs ?? 0) - 300_000) < 5000)
    assert.ok(Math.abs((call?.aheadMs ?? 0) - 60_000) < 5000)
  })

  test('SHA-1 with the present time is two settings away', async () => {
    const from = lab.spoken.length
    await labWorld(lab, { signatureAlgorithm: 'sha1', loginExpiry: '0s', callExpiry: '0s' }).assertion('ada')
    assert.deepEqual(dialects(from), ['api_user_login sha1 present', 'user_access_info sha1 present'])
  })
})

describe('the manual path', () => {
  const offered = { manual: 'offered' }
  const right = () => ({ email: 'ada@example.org', code: lab.code('ada') })

  test('is there only when the config says so', async () => {
    const world = labWorld(lab)
    const card = world.method.card({ locale: 'en' })
    assert.ok('label' in card && card.form === undefined)
    const attempt = { ...(await world.begin()).attempt, kept: undefined }
    assert.equal(noOf(await world.next(formReply(right()), attempt)).reason, 'failed')
    const choice = labWorld(lab, offered).method.card({ locale: 'en' })
    assert.ok('label' in choice)
    assert.deepEqual(
      choice.form?.fields.map(({ name, type }) => `${name} ${type}`),
      ['manual checkbox'],
    )
  })

  test('signs in with an address and a one-hour code, as the same person as by the page', async () => {
    const world = labWorld(lab, offered)
    const typed = doneOf(await world.type(right()))
    assert.deepEqual(typed.amr, ['pwd'])
    assert.equal(typed.subject, (await world.assertion('ada')).subject)
    doneOf(await labWorld(lab, { manual: 'only' }).type(right()))
  })

  test('a wrong code shows the form again, with the address and without the code', async () => {
    const step = await labWorld(lab, offered).type({ email: 'ada@example.org', code: 'not-the-right-one' })
    assert.ok('form' in step)
    assert.match(step.form.error ?? '', /does not accept/)
    assert.deepEqual(
      step.form.fields.map(({ name, value }) => [name, value]),
      [
        ['email', 'ada@example.org'],
        ['code', undefined],
      ],
    )
  })

  test('a code of somebody else is wrong', async () => {
    const step = await labWorld(lab, offered).type({ email: 'grace@example.org', code: lab.code('ada') })
    assert.ok('form' in step)
  })

  test('what is missing or endless is asked for again without asking LabArchives', async () => {
    const world = labWorld(lab, offered)
    const asked = lab.requests.length
    const bad = [{}, { email: 'ada@example.org' }, { code: 'abc' }, { email: 'ada@example.org', code: 'x'.repeat(257) }]
    for (const fields of bad) assert.ok('form' in (await world.type(fields)))
    assert.equal(lab.requests.length, asked)
  })

  test('an address that LabArchives does not take is said in words', async () => {
    lab.faults.fail = { user_access_info: 4524 }
    const step = await labWorld(lab, offered).type({ email: 'ada', code: 'some-code' })
    assert.ok('form' in step)
    assert.match(step.form.error ?? '', /address/)
  })

  test('ten wrong codes in an hour are enough for one address, in however many attempts', async () => {
    const world = labWorld(lab, offered)
    for (let tries = 0; tries < 10; tries++) {
      assert.ok('form' in (await world.type({ email: 'Ada@example.org', code: `wrong-${tries}` })))
    }
    const asked = lab.requests.length
    assert.equal(noOf(await world.type(right())).reason, 'limited')
    assert.equal(lab.requests.length, asked)
    doneOf(await world.type({ email: 'grace@example.org', code: lab.code('grace') }))
    world.clock.advance(3600)
    lab.faults.aheadMs = 3_600_000
    doneOf(await world.type(right()))
  })

  test('sixty codes in an hour are enough for one network address', async () => {
    const world = labWorld(lab, offered)
    for (let tries = 0; tries < 60; tries++) await world.type({ email: `p${tries}@example.org`, code: 'wrong' })
    assert.equal(noOf(await world.type(right())).reason, 'limited')
  })

  test('no code and no address is in the store or the log', async () => {
    const world: LabWorld = labWorld(lab, offered)
    const fields = right()
    doneOf(await world.type(fields))
    const seen = JSON.stringify([world.store.entries(), world.store.history, world.logs])
    for (const value of Object.values(fields)) assert.ok(!seen.includes(value))
  })
})
