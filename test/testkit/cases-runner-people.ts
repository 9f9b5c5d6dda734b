/** Cases on what belongs to people: files, secrets, output, and how much they may take. @module */
import assert from 'node:assert/strict'
import { isFault, type Limits } from '@labgate/contract'
import { allOf, inLab, type RunnerLab, type RunnerSuite, requestOf, until, untilState } from './runner-bench.ts'
import type { Case } from './suite.ts'

/** Storage, secrets, logs, limits. */
export function peopleCases(suite: RunnerSuite): Case[] {
  const on = (work: (lab: RunnerLab) => Promise<void>) => () => inLab(suite, work)
  return [
    { name: 'a person’s storage is there in the next instance, and gone when it is removed with it', run: on(keeps) },
    { name: 'nobody sees the storage of another person', run: on(separates) },
    { name: 'removing a person’s storage leaves everybody else’s', run: on(removesOwnOnly) },
    { name: 'secrets are files that only the app reads', run: on(handsSecrets) },
    { name: 'secrets are nowhere but in these files', run: on(hidesSecrets) },
    { name: 'renew gives a running app new secrets', run: on(renews) },
    { name: 'logs are lines of both outputs, the last ones, the oldest first', run: on(tellsLines) },
    { name: 'logs that are followed go on, and end with their signal', run: on(followsLines) },
    { name: 'stats tell what an instance uses', run: on(tellsUsage) },
    { name: 'the archive of a storage has its files', run: on(archives) },
    { name: 'an app that exceeds its memory ends, where that is said to be enforced', run: on(exceedsMemory) },
    { name: 'an app gets no more CPUs than it may have, where that is said to be enforced', run: on(exceedsCpu) },
    { name: 'an app gets no more processes than it may have, where that is said to be enforced', run: on(exceedsPids) },
    { name: 'whatever else is said to be enforced has a proof', run: on(exceedsOthers) },
  ]
}

const none: Limits = {
  ...{ memoryBytes: undefined, cpus: undefined, storageBytes: undefined, pids: undefined, gpus: undefined },
}

async function keeps({ start, runner }: RunnerLab): Promise<void> {
  const { storage } = requestOf()
  const request = { storage }
  const first = await start({ script: 'echo kept > $STORE/note && echo done > $PAGE', request })
  await first.pageLike(/done/)
  await runner.terminate(first.state, { graceSeconds: 1 })
  await runner.remove(first.state, { volumes: false })
  const reading = 'cat $STORE/note > $PAGE 2>/dev/null || echo nothing > $PAGE'
  const second = await start({ script: reading, request })
  assert.match(await second.page(), /kept/)
  await runner.remove(second.state, { volumes: true })
  const third = await start({ script: reading, request })
  assert.match(await third.page(), /nothing/)
}

async function separates({ start }: RunnerLab): Promise<void> {
  const one = await start({ script: 'echo mine > $STORE/note && echo done > $PAGE' })
  await one.pageLike(/done/)
  const two = await start({ script: 'echo "files: $(ls -A $STORE)" > $PAGE; echo theirs > $STORE/note' })
  assert.equal((await two.page()).trim(), 'files:', 'the storage of somebody who is new has files')
  // Names that could be taken for one another.
  const { storage } = requestOf()
  const longer = await start({ script: 'touch $STORE/x; echo done > $PAGE', request: { storage: `${storage}home` } })
  await longer.pageLike(/done/)
  const shorter = await start({ script: 'echo "files: $(ls -A $STORE)" > $PAGE', request: { storage } })
  assert.equal((await shorter.page()).trim(), 'files:', 'two storages are one')
}

async function removesOwnOnly({ start, runner }: RunnerLab): Promise<void> {
  const request = { account: 'the-same-account', storage: requestOf().storage }
  const writing = 'echo kept > $STORE/note && echo done > $PAGE'
  const stays = await start({ script: writing, request })
  await stays.pageLike(/done/)
  await runner.remove(stays.state, { volumes: false })
  // Whose name begins with the other's, too.
  for (const storage of [requestOf().storage, request.storage.slice(0, -1)]) {
    const goes = await start({ script: writing, request: { ...request, storage } })
    await goes.pageLike(/done/)
    await runner.remove(goes.state, { volumes: true })
  }
  const next = await start({ script: 'cat $STORE/note > $PAGE || echo nothing > $PAGE', request })
  assert.match(await next.page(), /kept/, 'somebody else’s storage is gone')
}

const secret = 'planted-secret-Zq81\nsecond line, ünïcode'
const lines = secret.split('\n')

async function handsSecrets({ start }: RunnerLab): Promise<void> {
  const script = '(cat "{secrets}/token"; echo; stat -c "mode %a" "{secrets}/token"; echo end) > $PAGE'
  const { pageLike } = await start({ script, launch: { secrets: { token: secret } } })
  const page = await pageLike(/end/)
  assert.ok(page.startsWith(`${secret}\n`), `the app read: ${page}`)
  const mode = Number.parseInt(/mode (\d+)/.exec(page)?.[1] ?? '777', 8)
  assert.equal(mode & 0o077, 0, `others may read the file of a secret (${mode.toString(8)})`)
}

async function hidesSecrets({ suite, start, runner, bench }: RunnerLab): Promise<void> {
  const said: unknown[] = []
  const script = '(env; cat /proc/self/environ; echo; tr "\\0" " " < /proc/$$/cmdline; echo end) > $PAGE 2>&1'
  const save = async (state: unknown) => void said.push(state)
  const progress = (line: string) => void said.push(line)
  const started = await start({ script, launch: { secrets: { token: secret }, save, progress } })
  said.push(await started.pageLike(/end/), started.state, await suite.exposed(started.instance))
  for await (const { state } of runner.discover(AbortSignal.timeout(10_000))) said.push(state)
  said.push(await linesOf(runner, { state: started.state, tail: 100 }))
  for (const line of lines) bench.secret(line)
  assert.deepEqual(bench.leaks(...said), [], 'the secret is somewhere else, too')
}

async function renews({ start, runner }: RunnerLab): Promise<void> {
  if (runner.renew === undefined) return
  const script = '(while :; do cat "{secrets}/token" > $PAGE.new; mv $PAGE.new $PAGE; sleep 0.1; done) & true'
  const { state, pageLike } = await start({ script, launch: { secrets: { token: 'the-first-token' } } })
  await pageLike(/the-first-token/)
  await runner.renew(state, { token: 'the-second-token' })
  await pageLike(/the-second-token/)
}

async function linesOf(runner: RunnerLab['runner'], { state, tail }: { state: never | unknown; tail: number }) {
  const signal = AbortSignal.timeout(20_000)
  // What the case got from the runner itself.
  const lines = runner.logs?.(state as never, { tail, follow: false, signal })
  return lines === undefined ? [] : allOf(lines)
}

async function tellsLines({ start, runner }: RunnerLab): Promise<void> {
  if (runner.logs === undefined) return
  const script =
    'for i in 1 2 3 4 5; do echo "line $i"; done; sleep 0.1; echo "line 6 of errors" >&2; sleep 0.1; echo "line 7 ünï"; echo here > $PAGE'
  const { state, page } = await start({ script })
  await page()
  const enough = async () => {
    const all = await linesOf(runner, { state, tail: 3 })
    return all.length === 3 && all[2] === 'line 7 ünï' ? all : undefined
  }
  const last = await until(enough, { seconds: 5, what: () => 'three lines, the last one `line 7 ünï`' })
  assert.deepEqual(last, ['line 5', 'line 6 of errors', 'line 7 ünï'])
  const all = await linesOf(runner, { state, tail: 1000 })
  assert.deepEqual(
    all.filter((line) => line.startsWith('line')).map((line) => line.slice(0, 6)),
    [1, 2, 3, 4, 5, 6, 7].map((number) => `line ${number}`),
  )
}

async function followsLines({ start, runner }: RunnerLab): Promise<void> {
  if (runner.logs === undefined) return
  const { state } = await start({ script: 'i=0; while :; do i=$((i+1)); echo "beat $i"; sleep 0.1; done' })
  const abort = new AbortController()
  const seen: string[] = []
  let at = 0
  const reading = (async () => {
    for await (const line of runner.logs?.(state, { tail: 1, follow: true, signal: abort.signal }) ?? []) {
      if (line.startsWith('beat')) seen.push(line)
      if (seen.length === 4 && at === 0) {
        at = performance.now()
        abort.abort()
      }
    }
  })()
  const late = new Promise((_, reject) => setTimeout(reject, 15_000, new Error(`no end; lines: ${seen}`)).unref())
  await Promise.race([reading.catch(onlyAborts), late])
  assert.ok(seen.length >= 4, `followed lines ended by themselves after ${seen.length}`)
  assert.ok(performance.now() - at < 3000, 'they did not end with their signal')
  assert.equal(new Set(seen).size, seen.length, 'a line came twice')
}

function onlyAborts(error: unknown): void {
  if ((error as Error | undefined)?.name !== 'AbortError') throw error
}

async function tellsUsage({ start, runner }: RunnerLab): Promise<void> {
  if (runner.stats === undefined) return
  const { state, page } = await start()
  await page()
  const { memoryBytes, cpuSeconds } = await runner.stats(state)
  assert.ok(memoryBytes > 0 && memoryBytes < 2 ** 32, `memory: ${memoryBytes}`)
  assert.ok(cpuSeconds > 0 && cpuSeconds < 60, `CPU: ${cpuSeconds}`)
}

async function archives({ suite, start, runner }: RunnerLab): Promise<void> {
  if (runner.archive === undefined) return
  const { storage } = requestOf()
  const { mounts } = suite.app('true')
  // Files that were never there: nothing, or a word about it.
  const never = await allOf(runner.archive({ storage: requestOf().storage, mounts })).catch((error: unknown) => {
    assert.ok(isFault(error), `it threw ${String(error)} in place of a Fault`)
    return []
  })
  assert.equal(Buffer.concat(never).length % 512, 0)
  const script = 'mkdir -p $STORE/deep; echo content-of-a-file > $STORE/deep/note.txt; echo done > $PAGE'
  const { pageLike, instance } = await start({ script, request: { storage } })
  await pageLike(/done/)
  const before = await suite.remains(instance)
  const tar = Buffer.concat(await allOf(runner.archive({ storage, mounts })))
  assert.equal(tar.length % 512, 0, 'a tar archive has blocks of 512 bytes')
  assert.match(tar.toString('latin1'), /deep\/note\.txt/)
  assert.match(tar.toString('latin1'), /content-of-a-file/)
  assert.deepEqual(await suite.remains(instance), before)
}

async function exceedsMemory({ start, runner }: RunnerLab): Promise<void> {
  if (runner.capabilities().memory !== 'enforced') return
  const script = 'dd if=/dev/zero of=/dev/null bs=256M count=1 && echo "it was let" && sleep 100 || exit 137'
  const { state } = await start({ script, request: { limits: { ...none, memoryBytes: 48 * 2 ** 20 } } })
  const ended = await untilState(runner, { state, wanted: 'exited' })
  assert.ok(ended.state === 'exited' && ended.code !== 0)
  assert.match(ended.reason ?? '', /memory/, 'the words must say that it was memory')
}

async function exceedsCpu({ start, runner }: RunnerLab): Promise<void> {
  if (runner.capabilities().cpu !== 'enforced') return
  const burn = '(end=$(($(date +%s)+2)); while [ $(date +%s) -lt $end ]; do :; done)'
  const script = `${burn} & ${burn} & wait; times > $PAGE`
  const { pageLike } = await start({ script, request: { limits: { ...none, cpus: 0.3 } } })
  const page = await pageLike(/\ds.*\n.*\ds/)
  // The second line is of the children: user and system, each `0m0.52s`.
  const spent = [...(page.split('\n')[1] ?? '').matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, m, s]) => Number(m) * 60 + Number(s),
  )
  const all = spent.reduce((sum, one) => sum + one, 0)
  // At most two seconds and a bit by the clock, of which three tenths.
  assert.ok(all > 0 && all < 1.3, `with 0.3 CPUs it used ${all} s in about two`)
}

async function exceedsPids({ start, runner }: RunnerLab): Promise<void> {
  if (runner.capabilities().pids !== 'enforced') return
  // Each is started by a shell of its own and told of when it is there; the first that cannot be ends the loop. Counted by
  // what they say: on a machine that several share, its list of processes shows others', too. None ends before the loop does,
  // however slow the machine is: another would come in its place.
  const script =
    '(i=0; while [ $i -lt 60 ]; do i=$((i+1)); (sleep 100 & echo sleeping); done; true) 2>/dev/null; sleep 1; exit 5'
  const { state } = await start({ script, request: { limits: { ...none, pids: 24 } } })
  await untilState(runner, { state, wanted: 'exited' })
  const sleeping = (await linesOf(runner, { state, tail: 100 })).filter((line) => line === 'sleeping').length
  assert.ok(sleeping > 0 && sleeping < 30, `with 24 processes it had ${sleeping}`)
}

async function exceedsOthers(lab: RunnerLab): Promise<void> {
  const said = lab.runner.capabilities()
  for (const name of ['storage', 'gpu', 'network'] as const) {
    if (said[name] !== 'enforced') continue
    const proof = lab.suite.exceeds?.[name]
    assert.ok(proof, `\`${name}\` is said to be enforced; exceed it in \`exceeds.${name}\``)
    await proof(lab)
  }
}
