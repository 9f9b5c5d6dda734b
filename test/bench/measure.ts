/** What a run cost: statistics, CPU and memory from `/proc`, cores to run on, and waiting for a quiet machine. @module */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

const ticksPerSecond = 100

/** Whether `/proc` is here; without it there is no CPU time, so nothing can be gated. */
export const hasProc = existsSync('/proc/self/stat')

/** The value below which a share of `values` lies, linear between neighbours; `NaN` of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const [below, above] = [sorted[Math.floor(place)] ?? Number.NaN, sorted[Math.ceil(place)] ?? Number.NaN]
  return below + (above - below) * (place - Math.floor(place))
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

/** The command that starts a program on one core; as it is where there is no `taskset` or only one core. */
export function onCore(core: number, command: readonly string[]): readonly string[] {
  return canPin ? ['taskset', '-c', String(core), ...command] : command
}

/** Keeps this process, all its threads, on one core. */
export function stayOnCore(core: number): void {
  if (canPin) spawnSync('taskset', ['-a', '-p', '-c', String(core), String(process.pid)])
}

/** Whether servers and driver get cores of their own. */
export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0

/** CPU seconds a process has used, in user and kernel. */
export function cpuOf(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(/\) (?=\w )/)
  const numbers = fields.split(' ').map(Number)
  return ((numbers[11] ?? 0) + (numbers[12] ?? 0)) / ticksPerSecond
}

/** Resident memory of a process in MB: now, and the most there ever was. */
export function memoryOf(pid: number): { readonly rssMB: number; readonly peakMB: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const read = (name: string) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1024)
  return { rssMB: read('VmRSS'), peakMB: read('VmHWM') }
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** CPU seconds everybody has used; idling and waiting for the disk are none. */
function machineCpu(): number {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0] ?? ''
  const [user = 0, nice = 0, system = 0, , , irq = 0, soft = 0, steal = 0] = line
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + system + irq + soft + steal) / ticksPerSecond
}

/** What a window of time cost. */
export interface Cost<T> {
  readonly value: T
  readonly seconds: number
  /** CPU seconds of the server. */
  readonly cpu: number
  /** Cores that neither the server nor this process used. */
  readonly foreign: number
}

/** Runs `work` and says what it cost the processes `pids`. */
export async function costOf<T>(pids: number | readonly number[], work: () => Promise<T>): Promise<Cost<T>> {
  const servers = () => [pids].flat().reduce((sum, pid) => sum + cpuOf(pid), 0)
  const start = performance.now()
  if (!hasProc) {
    const value = await work()
    return { value, seconds: (performance.now() - start) / 1000, cpu: Number.NaN, foreign: 0 }
  }
  const before = { server: servers(), own: ownCpu(), machine: machineCpu() }
  const value = await work()
  const seconds = (performance.now() - start) / 1000
  const cpu = servers() - before.server
  const foreign = Math.max(0, machineCpu() - before.machine - cpu - (ownCpu() - before.own)) / seconds
  return { value, seconds, cpu, foreign }
}

/** Waits until others use less than `share` of a core, at most `tries` looks of a quarter second. */
export async function quiet({ share = 0.08, tries = 20 } = {}): Promise<void> {
  for (let look = 0; hasProc && look < tries; look++) {
    const before = { own: ownCpu(), machine: machineCpu(), at: performance.now() }
    await sleep(250)
    const others = machineCpu() - before.machine - (ownCpu() - before.own)
    if (others / ((performance.now() - before.at) / 1000) <= share) return
  }
}
