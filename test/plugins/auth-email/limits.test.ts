import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, begun, codeOf, formOf, instance, linkOf, next, refusalOf, reply, visit, wrongCode } from './walk.ts'

test('launchpad 2.2: three wrong codes end the attempt, and then neither the right code nor the link works', async () => {
  const at = instance()
  const attempt = await begun(at)
  const url = linkOf(at)
  assert.match(formOf(await next(at, reply({ code: wrongCode(at, 1) }), attempt)).error ?? '', /Tries left: 2/)
  assert.match(formOf(await next(at, reply({ code: wrongCode(at, 2) }), attempt)).error ?? '', /Tries left: 1/)
  assert.equal(refusalOf(await next(at, reply({ code: wrongCode(at, 3) }), attempt)).reason, 'limited')
  assert.ok('no' in (await next(at, reply({ code: codeOf(at) }), attempt)))
  assert.ok('no' in (await next(at, reply({}, { via: 'visit', url }), attempt)))
  assert.equal((await visit(at, { url, sameBrowser: true, attempt })).tone, 'warning')
})

test('what is no six-digit code is sent back without costing a try', async () => {
  const at = instance()
  const attempt = await begun(at)
  for (const code of ['', '12345', '1234567', 'abcdef', '12345x', '١٢٣٤٥٦'])
    assert.match(formOf(await next(at, reply({ code }), attempt)).error ?? '', /six digits/)
  assert.ok('done' in (await next(at, reply({ code: codeOf(at) }), attempt)))
})

test('launchpad 2.2: a resent code, a changed address and time give no new tries', async () => {
  const at = instance()
  const attempt = await begun(at)
  await next(at, reply({ code: wrongCode(at) }), attempt)
  await next(at, reply({ step: 'resend' }), attempt)
  at.world.clock.advance(300)
  await next(at, reply({ code: wrongCode(at) }), attempt)
  await next(at, reply({ email: 'other@example.org' }), attempt)
  assert.equal(refusalOf(await next(at, reply({ code: wrongCode(at) }), attempt)).reason, 'limited')
  await next(at, reply({ email: 'third@example.org' }), attempt)
  assert.equal(refusalOf(await next(at, reply({ code: codeOf(at) }), attempt)).reason, 'limited')
})

test('launchpad 2.2: wrong codes posted at once share the three tries', async () => {
  const at = instance()
  const attempt = await begun(at)
  const codes = Array.from({ length: 50 }, (_, i) => wrongCode(at, i + 1))
  const steps = await Promise.all(codes.map((code) => next(at, reply({ code }), attempt)))
  assert.equal(steps.filter((step) => 'form' in step).length, 2)
  assert.ok('no' in (await next(at, reply({ code: codeOf(at) }), attempt)))
})

test('datalab 1.7.15: an address gets three mails an hour from a network, whatever the spelling and attempt, resent ones counted', async () => {
  const at = instance()
  const attempt = await begun(at, { email: 'ada@example.org', address: '192.0.2.7' })
  await next(at, reply({ step: 'resend' }), attempt)
  await begun(at, { email: 'ADA@Example.org', address: '192.0.2.8' })
  const step = await at.method.begin(ask({ email: 'ada@example.org', address: '192.0.2.9' }), at.world.attempt())
  assert.deepEqual(refusalOf(step), {
    reason: 'limited',
    message: 'Too many mails were asked for. Please wait an hour and begin again.',
    retryAfterSeconds: 3600,
  })
  assert.equal(at.world.mails.length, 3)
  await begun(at, { email: 'bob@example.org' })
  assert.equal(at.world.mails.length, 4)
  at.world.clock.advance(3600)
  await begun(at, { email: 'ada@example.org' })
  assert.equal(at.world.mails.length, 5)
})

test('datalab 1.7.15: from all networks together an address gets at most nine mails an hour', async () => {
  const at = instance()
  for (let i = 0; i < 30; i++)
    await at.method.begin(ask({ email: 'ada@example.org', address: `10.0.${i}.1` }), at.world.attempt())
  assert.equal(at.world.mails.length, 9)
})

test('launchpad 2.2: a stranger who asks for mails to an address without end does not shut its owner out', async () => {
  const at = instance()
  for (let i = 0; i < 30; i++)
    await at.method.begin(ask({ email: 'ada@example.org', address: '198.51.100.7' }), at.world.attempt())
  assert.equal(at.world.mails.length, 3)
  const attempt = await begun(at, { email: 'ada@example.org', address: '192.0.2.7' })
  assert.equal(at.world.mails.length, 4)
  assert.ok('done' in (await next(at, reply({ code: codeOf(at) }), attempt)))
})

test('launchpad 2.2: wrong codes of a stranger, however many, leave the link in the owner’s mail good', async () => {
  const at = instance({ config: { mailsPerHour: 100 } })
  for (let i = 0; i < 12; i++) {
    const theirs = await begun(at, { address: '198.51.100.7' })
    for (let guess = 1; guess <= 3; guess++)
      await next(at, reply({ code: wrongCode(at, guess) }, { address: '198.51.100.7' }), theirs)
  }
  const mine = await begun(at)
  assert.equal(
    refusalOf(await next(at, reply({ code: codeOf(at) }), mine)).reason,
    'limited',
    'the day’s tries are over',
  )
  assert.ok('done' in (await next(at, reply({}, { via: 'visit', url: linkOf(at) }), mine)))
})

test('datalab 1.7.14: a resend beyond the budget sends nothing and leaves the last code good', async () => {
  const at = instance({ config: { mailsPerHour: 1 } })
  const attempt = await begun(at)
  assert.match(formOf(await next(at, reply({ step: 'resend' }), attempt)).error ?? '', /last code we sent still works/)
  assert.equal(at.world.mails.length, 1)
  assert.ok('done' in (await next(at, reply({ code: codeOf(at) }), attempt)))
})

test('datalab 1.7.15, launchpad 2.2: a network over its budget gets no mail out, and uses up nothing of the addresses it names', async () => {
  const at = instance({ config: { mailsPerHourNetwork: 5 } })
  for (let i = 0; i < 9; i++)
    await at.method.begin(ask({ email: `u${i}@example.org`, address: `192.0.2.${i}` }), at.world.attempt())
  assert.equal(at.world.mails.length, 5)
  for (let i = 0; i < 9; i++)
    await at.method.begin(ask({ email: 'ada@example.org', address: '192.0.2.200' }), at.world.attempt())
  assert.equal(at.world.mails.length, 5)
  for (let i = 0; i < 3; i++) await begun(at, { email: 'ada@example.org', address: '2001:db8::1' })
  assert.equal(at.world.mails.length, 8)
})

test('datalab 1.7.15: an instance sends no more than its mails an hour', async () => {
  const at = instance({ config: { mailsPerHourTotal: 4 } })
  for (let i = 0; i < 9; i++)
    await at.method.begin(ask({ email: `u${i}@example.org`, address: `10.0.${i}.1` }), at.world.attempt())
  assert.equal(at.world.mails.length, 4)
})

test('ten thousand guesses at one address over many attempts and networks: at most 30 a day are looked at', async () => {
  // The budgets for mails are lifted, so that only those for guesses stand.
  const at = instance({ config: { mailsPerHour: 1e6, mailsPerHourNetwork: 1e6, mailsPerHourTotal: 1e6 } })
  let looked = 0
  for (let i = 0; i < 2500; i++) {
    const address = `10.${i % 250}.${Math.floor(i / 250)}.1`
    const attempt = await begun(at, { address })
    for (let guess = 1; guess <= 4; guess++) {
      const step = await next(at, reply({ code: wrongCode(at, guess) }, { address }), attempt)
      if ('form' in step || step === undefined) looked++
      else if ('no' in step && step.no.message.startsWith('Too many wrong')) looked += guess === 3 ? 1 : 0
    }
  }
  assert.equal(looked, 30)
  const attempt = await begun(at)
  assert.equal(refusalOf(await next(at, reply({ code: codeOf(at) }), attempt)).retryAfterSeconds, 3600)
})

test('one network guesses at most twice as often an hour as it may have mails, over any number of addresses', async () => {
  const at = instance({ config: { mailsPerHourNetwork: 10 } })
  let looked = 0
  for (let i = 0; i < 40; i++) {
    // Mails asked for from elsewhere, guesses from one network.
    const attempt = await begun(at, { email: `u${i}@example.org`, address: `10.0.${i}.1` })
    const step = await next(at, reply({ code: wrongCode(at) }, { address: `192.0.2.${i}` }), attempt)
    if ('form' in step) looked++
  }
  assert.equal(looked, 20)
})
