import assert from 'node:assert/strict'
import { after, afterEach, describe, test } from 'node:test'
import plugin from '@labgate/auth-labarchives'
import { type Fault, type Finding, isFault } from '@labgate/contract'
import { callbackReply, configFrom } from '@labgate/testkit'
import { type Failure, labKey, startLabArchives } from '../../support/labarchives.ts'
import { calm, doneOf, factOf, type LabWorld, labWorld, linkOf, noOf } from './world.ts'

const lab = await startLabArchives()
after(() => lab.close())
afterEach(() => calm(lab))

const fault = (code: string, message: RegExp) => (error: Fault) => {
  assert.ok(isFault(error), String(error))
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

describe('the clock', () => {
  test('a call that comes too late is repeated once, by their time (labapi 3.4)', async () => {
    const world = labWorld(lab)
    const { to, attempt } = await world.begin()
    const back = await lab.signIn(to, 'ada')
    lab.faults.aheadMs = 3_600_000
    const from = lab.requests.length
    doneOf(await world.next(callbackReply(back), attempt))
    assert.deepEqual(
      lab.requests.slice(from).map((path) => path.split('/').at(-1)),
      ['user_access_info', 'epoch_time', 'user_access_info'],
    )
    const later = lab.requests.length
    await world.assertion('ada')
    assert.ok(!lab.requests.slice(later).includes('/api/utilities/epoch_time'), 'the offset is remembered')
  })

  test('and never more than once', async () => {
    lab.faults.fail = { user_access_info: 4504 }
    const from = lab.requests.length
    await assert.rejects(labWorld(lab).signIn('ada'), fault('ERR_UPSTREAM_REFUSED', /4504.*clock, loginExpiry/))
    assert.equal(lab.requests.slice(from).filter((path) => path.endsWith('user_access_info')).length, 2)
  })

  test('with clockSource epoch_time a clock that is an hour off is no trouble, and is asked for once an hour', async () => {
    lab.faults.aheadMs = -3_600_000
    const world = labWorld(lab, { clockSource: 'epoch_time' })
    const from = lab.requests.length
    await world.assertion('ada')
    await world.assertion('ada')
    const measured = () => lab.requests.slice(from).filter((path) => path.endsWith('epoch_time')).length
    assert.equal(measured(), 1)
    world.clock.advance(3601)
    await world.begin()
    assert.equal(measured(), 2)
  })

  test('an expired sign-in address puts the clock right for the next one', async () => {
    const world = labWorld(lab)
    lab.faults.aheadMs = 3_600_000
    await assert.rejects(lab.signIn((await world.begin()).to, 'ada'), /4504/)
    lab.faults.refuse = '4504 expires is too old'
    assert.match(noOf(await world.signIn('ada')).message, /time of our request wrong/)
    Object.assign(lab.faults, { refuse: undefined })
    await world.assertion('ada')
  })
})

describe('error codes, in clear words', () => {
  const toPerson = {
    4501: 'not-allowed',
    4507: 'expired',
    4509: 'not-allowed',
    4514: 'denied',
    4524: 'denied',
    4533: 'expired',
  }
  for (const [code, reason] of Object.entries(toPerson)) {
    test(`${code} is a no to the person: ${reason}`, async () => {
      lab.faults.fail = { user_access_info: Number(code) }
      const refusal = noOf(await labWorld(lab).signIn('ada'))
      assert.equal(refusal.reason, reason)
      assert.match(refusal.message, /LabArchives/)
    })
  }
  const toOperator: readonly (readonly [number, string, RegExp])[] = [
    [4506, 'ERR_UPSTREAM_REFUSED', /accessKeyId, and region/],
    [4520, 'ERR_UPSTREAM_REFUSED', /accessPassword and signatureAlgorithm/],
    [4500, 'ERR_UPSTREAM', /please report/],
    [4503, 'ERR_UPSTREAM', /please report/],
    [4529, 'ERR_UPSTREAM', /please report/],
    [4999, 'ERR_UPSTREAM', /trouble on their side/],
    [4321, 'ERR_UPSTREAM', /error 4321/],
  ]
  for (const [code, kind, words] of toOperator) {
    for (const errorsWith200 of [false, true]) {
      test(`${code} is ${kind}, with status ${errorsWith200 ? 200 : 'of an error'}, and is not tried again`, async () => {
        const world = labWorld(lab)
        const { to, attempt } = await world.begin()
        const back = await lab.signIn(to, 'ada')
        Object.assign(lab.faults, { errorsWith200, fail: { user_access_info: code } })
        const from = lab.requests.length
        await assert.rejects(world.next(callbackReply(back), attempt), fault(kind, words))
        assert.equal(lab.requests.length, from + 1)
        assert.equal((await world.method.health?.())?.ok, false)
      })
    }
  }

  test('the instance and the host are named, and the echoed request is not (labapi 3.6)', async () => {
    const world = labWorld(lab)
    const { to, attempt } = await world.begin()
    const back = await lab.signIn(to, 'ada')
    lab.faults.fail = { user_access_info: 4520 }
    const error = await world.next(callbackReply(back), attempt).catch((thrown: Fault) => thrown)
    assert.ok(isFault(error))
    assert.match(
      error.message,
      /^auth-labarchives "labarchives": 127\.0\.0\.1:\d+ answered user_access_info with error 4520/,
    )
    assert.deepEqual(world.leaks(error), [])
    assert.ok(!JSON.stringify([error.message, error.detail]).includes('login_or_email'))
  })

  test('health is well again after a call that went well', async () => {
    const world = labWorld(lab)
    lab.faults.fail = { user_access_info: 4999 }
    await assert.rejects(world.signIn('ada'))
    assert.match((await world.method.health?.())?.detail ?? '', /4999/)
    lab.faults.fail = {}
    await world.assertion('ada')
    assert.deepEqual(await world.method.health?.(), { ok: true })
  })
})

describe('an upstream that is not well', () => {
  for (const failure of ['500', 'html', 'huge', 'hang', 'drop'] satisfies Failure[]) {
    test(`${failure}: ERR_UPSTREAM that names the host`, async () => {
      lab.faults.fail = { user_access_info: failure }
      const started = lab.requests.length
      await assert.rejects(labWorld(lab).signIn('ada'), fault('ERR_UPSTREAM', /127\.0\.0\.1|larger/))
      assert.equal(lab.requests.slice(started).filter((path) => path.endsWith('user_access_info')).length, 1)
    })
  }

  const lies: Readonly<Record<string, (xml: string) => string>> = {
    'a document type': (xml) => `<!DOCTYPE users SYSTEM "http://127.0.0.1/x.dtd">${xml}`,
    'an entity': (xml) => xml.replace('<fullname>', '<fullname>&xxe;'),
    nobody: () => '<users/>',
    'two people': (xml) => xml.replace('<id>', '<id>another</id><id>'),
    'half an answer': (xml) => xml.slice(0, xml.length / 2),
  }
  for (const [name, answer] of Object.entries(lies)) {
    test(`${name} signs nobody in (labapi 3.6)`, async () => {
      lab.faults.answer = answer
      await assert.rejects(labWorld(lab).signIn('ada'), fault('ERR_UPSTREAM', /no usable answer to user_access_info/))
    })
  }
})

describe('one call a second', () => {
  test('calls of an instance stay apart, however many come at once', async () => {
    const world = labWorld(lab, { minIntervalMs: 150 })
    const backs = await Promise.all(
      [1, 2, 3].map(async () => {
        const { to, attempt } = await world.begin()
        return { attempt, back: await lab.signIn(to, 'ada') }
      }),
    )
    const from = lab.spoken.length
    await Promise.all(backs.map(async ({ attempt, back }) => doneOf(await world.next(callbackReply(back), attempt))))
    const times = lab.spoken.slice(from).map(({ at }) => at)
    assert.equal(times.length, 3)
    for (const gap of [times[1]! - times[0]!, times[2]! - times[1]!]) assert.ok(gap >= 100, `only ${gap} ms apart`)
  })

  test('the default interval is a second', () => {
    assert.equal(configFrom(plugin.config, labKey).minIntervalMs, 1000)
  })

  test('who would wait longer than twenty seconds is told to come again', async () => {
    const world = labWorld(lab, { minIntervalMs: 1000 })
    const { to, attempt } = await world.begin()
    const back = await lab.signIn(to, 'ada')
    await world.store.put('next call', world.clock.now().getTime() + 20_500, 60)
    const refusal = noOf(await world.next(callbackReply(back), attempt))
    assert.deepEqual([refusal.reason, refusal.retryAfterSeconds], ['limited', 30])
  })

  test('a clock that was set back makes nobody wait', async () => {
    const world = labWorld(lab, { minIntervalMs: 1 })
    await world.store.put('next call', world.clock.now().getTime() + 3_600_000, 7200)
    await world.assertion('ada')
  })

  test('stopping ends the wait', async () => {
    const world = labWorld(lab, { minIntervalMs: 1000 })
    const { to, attempt } = await world.begin()
    const back = await lab.signIn(to, 'ada')
    await world.store.put('next call', world.clock.now().getTime() + 15_000, 60)
    const waiting = world.next(callbackReply(back), attempt)
    await new Promise((done) => setTimeout(done, 50))
    await world.method.stop?.()
    assert.equal(noOf(await waiting).reason, 'limited')
  })
})

describe('looking again', () => {
  const renamed = (xml: string) => xml.replace(/<notebooks[\s\S]*<\/notebooks>/, '<notebooks type="array"></notebooks>')

  test('refresh() brings today’s notebooks of the same person, with the time and the proof of before', async () => {
    const world = labWorld(lab)
    const first = await world.assertion('ada')
    world.clock.advance(60)
    lab.faults.answer = renamed
    const again = await world.method.refresh?.(linkOf(first))
    assert.ok(again !== undefined && again !== 'gone')
    assert.equal(again.subject, first.subject)
    assert.deepEqual(again.at, first.at)
    assert.deepEqual(factOf(again, 'labarchives_notebooks')?.value, [])
    assert.deepEqual(factOf(again, 'email'), factOf(first, 'email'))
    assert.deepEqual(again.keep, first.keep)
    assert.ok(!lab.spoken.at(-1)?.parameters.authenticated, 'the session there is not extended')
  })

  test('an address that changed since is not verified any more', async () => {
    const world = labWorld(lab)
    const first = await world.assertion('ada')
    lab.faults.answer = (xml) => xml.replace(/<email>[^<]*/, '<email>new@example.org')
    const again = await world.method.refresh?.(linkOf(first))
    assert.ok(again !== undefined && again !== 'gone')
    assert.deepEqual(factOf(again, 'email'), { value: 'new@example.org', trust: 'asserted' })
  })

  test('without auto-login nobody is asked about behind their back', async () => {
    const world = labWorld(lab)
    const link = linkOf(await world.assertion('grace'))
    const asked = lab.requests.length
    await assert.rejects(world.method.refresh!(link), fault('ERR_LOGIN_EXPIRED', /sign in once more/))
    await assert.rejects(world.method.refresh!({ ...link, kept: undefined }), fault('ERR_LOGIN_EXPIRED', /once more/))
    assert.equal(lab.requests.length, asked)
  })

  test('another person in the answer is refused', async () => {
    const world = labWorld(lab)
    const link = linkOf(await world.assertion('ada'))
    lab.faults.answer = (xml) => xml.replace(/<id>285489257[^<]*/, '<id>somebody-else')
    await assert.rejects(world.method.refresh!(link), fault('ERR_UPSTREAM', /somebody else/))
  })

  test('a UID that was withdrawn is gone, any other no is trouble', async () => {
    const own = await startLabArchives()
    try {
      const world = labWorld(own)
      const link = linkOf(await world.assertion('ada'))
      own.faults.fail = { user_info_via_id: 4501 }
      await assert.rejects(world.method.refresh!(link), fault('ERR_UPSTREAM', /forbidden/))
      own.faults.fail = {}
      own.withdraw('ada')
      assert.equal(await world.method.refresh?.(link), 'gone')
    } finally {
      await own.close()
    }
  })
})

describe('doctor', () => {
  const findings = async (world: LabWorld) => {
    const found: Finding[] = []
    for await (const finding of world.method.probe!()) found.push(finding)
    return found
  }

  test('finds time and key good', async () => {
    const found = await findings(labWorld(lab))
    assert.deepEqual(
      found.map(({ ok }) => ok),
      [true, true, true],
    )
  })

  test('says that the clock is off, and by how much', async () => {
    lab.faults.aheadMs = 90_000
    const found = await findings(labWorld(lab))
    assert.equal(found[1]?.ok, false)
    assert.match(`${found[1]?.what} ${found[1]?.mend}`, /90 s off.*NTP/)
    assert.equal(found[2]?.ok, true)
  })

  test('says that the password is wrong', async () => {
    const found = await findings(labWorld(lab, { accessPassword: 'another-access-password' }))
    assert.match(found[2]?.mend ?? '', /check accessPassword/)
  })

  test('says that the key is not known', async () => {
    const found = await findings(labWorld(lab, { accessKeyId: 'unknown_akid' }))
    assert.match(found[0]?.mend ?? '', /check accessKeyId/)
  })

  test('says that nobody answers', async () => {
    lab.faults.fail = { epoch_time: 'drop' }
    const found = await findings(labWorld(lab))
    assert.deepEqual(
      found.map(({ ok }) => ok),
      [false],
    )
  })
})
