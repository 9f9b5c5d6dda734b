/** The end of an instance: all of its processes, then its folder; never the person's files unless that is asked for. @module */
import { launchFault } from '@labgate/contract'
import type { Host } from './host.ts'
import { pause } from './wait.ts'

/** What KILL needs to come through, on a machine that is busy. */
const killSeconds = 10

/** Ends all processes of an instance: TERM, so long as `graceSeconds`, then KILL. Gone is success. */
export async function endProcesses(
  host: Host,
  instance: string,
  { graceSeconds, signal }: { readonly graceSeconds: number; readonly signal?: AbortSignal },
): Promise<void> {
  if ((await send(host, instance, 'TERM')) === 0) return
  if (await isGoneWithin(host, instance, { seconds: graceSeconds, by: '0', signal })) return
  if (await isGoneWithin(host, instance, { seconds: killSeconds, by: 'KILL', signal })) return
  throw launchFault('internal', `Its processes on ${host.name} could not be ended.`, { retryable: true })
}

/** Ends an instance and removes its folder. */
export async function takeDown(
  host: Host,
  instance: string,
  how: { readonly graceSeconds: number; readonly signal?: AbortSignal },
): Promise<void> {
  await endProcesses(host, instance, how)
  await removeRun(host, instance)
}

/** Removes the folder of an instance, and the person's files when `storage` names them. */
export async function removeRun(host: Host, instance: string, storage = ''): Promise<void> {
  await host.ask([['drop', instance, storage]])
}

async function isGoneWithin(
  host: Host,
  instance: string,
  {
    seconds,
    by,
    signal,
  }: { readonly seconds: number; readonly by: 'KILL' | '0'; readonly signal?: AbortSignal | undefined },
): Promise<boolean> {
  const end = performance.now() + seconds * 1000
  for (let wait = 25; ; wait = Math.min(500, wait * 2)) {
    if ((await send(host, instance, by)) === 0) return true
    if (performance.now() >= end) return false
    await pause(Math.min(wait, Math.max(0, end - performance.now())), signal)
  }
}

/** Sends a signal to all of an instance and returns how many they were. */
async function send(host: Host, instance: string, name: 'TERM' | 'KILL' | '0'): Promise<number> {
  const answer = await host.ask([['end', instance, name]])
  return Number(answer.line('alive')?.[0] ?? 0)
}
