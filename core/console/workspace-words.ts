/** Workspaces in words: limits and how far they are kept, events, reasons; the same on every page. @module */
import { stripVTControlCharacters } from 'node:util'
import type { Capabilities, Enforcement, Limits } from '@labgate/contract'
import type { Quota, QuotaLine, Taken, Workspace, WorkspaceEvent } from '../workspaces/model.ts'

/** A text of ours, in the language of whoever reads. */
export type Say = (key: string, values?: Readonly<Record<string, string>>) => string

/** A size as people read it: `4 GiB`. */
export function sizeText(bytes: number): string {
  const gib = bytes / 1024 ** 3
  return gib >= 1 ? `${Math.round(gib * 10) / 10} GiB` : `${Math.round(bytes / 1024 ** 2)} MiB`
}

/** Limits in words. What a place does not limit is called unlimited, whatever was asked for. */
export function limitWords(say: Say, limits: Limits, capabilities: Capabilities | undefined): string[] {
  const { memoryBytes, cpus, storageBytes, pids, gpus } = limits
  const word = (name: string, value: string | undefined, kept: Enforcement | undefined): string => {
    const what = say(`workspaces.limits.${name}`)
    if (value === undefined || kept === 'none') return say('workspaces.unlimited', { what })
    return say(kept === 'advisory' ? 'workspaces.advisory' : 'workspaces.limited', { what, value })
  }
  const size = (bytes: number | undefined) => (bytes === undefined ? undefined : sizeText(bytes))
  const number = (count: number | undefined) => (count === undefined ? undefined : String(count))
  return [
    word('memory', size(memoryBytes), capabilities?.memory),
    word('cpus', number(cpus), capabilities?.cpu),
    ...(storageBytes === undefined ? [] : [word('storage', size(storageBytes), capabilities?.storage)]),
    ...(pids === undefined ? [] : [word('pids', number(pids), capabilities?.pids)]),
    ...(gpus === undefined ? [] : [word('gpus', number(gpus), capabilities?.gpu)]),
  ]
}

/** Whose a quota is, to a person. */
export function quotaName(say: Say, scope: string): string {
  if (scope === 'site') return say('workspaces.quota.site')
  return scope.startsWith('group:')
    ? say('workspaces.quota.group', { group: scope.slice(6) })
    : say('workspaces.quota.own')
}

/** What is taken of each quota: "1 of 2 workspaces", "2 GiB of 20 GiB memory". */
export function takenWords(say: Say, standing: readonly QuotaLine[]): { whose: string; parts: string[] }[] {
  return standing.flatMap(({ scope, quota, taken }) =>
    taken ? [{ whose: quotaName(say, scope), parts: takenParts(say, quota, taken) }] : [],
  )
}

/** What is taken of one. */
export function takenParts(say: Say, quota: Quota, taken: Taken): string[] {
  const { instances, memoryBytes, milliCpus } = quota
  const part = (what: string, used: string, most: string) => say('workspaces.quota.taken', { used, most, what })
  return [
    ...(instances === undefined
      ? []
      : [part(say('workspaces.quota.instances'), String(taken.instances), String(instances))]),
    ...(memoryBytes === undefined
      ? []
      : [part(say('workspaces.quota.memory'), sizeText(taken.memoryBytes), sizeText(memoryBytes))]),
    ...(milliCpus === undefined
      ? []
      : [part(say('workspaces.quota.cpus'), String(taken.milliCpus / 1000), String(milliCpus / 1000))]),
  ]
}

const reasons = new Set(['owner', 'admin', 'restart', 'lease', 'idle', 'account', 'trouble', 'ended'])

/** Why a workspace ends or has ended. */
export function reasonWords(say: Say, { stopReason }: Pick<Workspace, 'stopReason'>): string | undefined {
  return stopReason !== undefined && reasons.has(stopReason) ? say(`workspaces.reasons.${stopReason}`) : undefined
}

/** What happened, in words. What a runner or an admin wrote stays as it is. */
export function eventWords(say: Say, { kind, text }: Pick<WorkspaceEvent, 'kind' | 'text'>): string {
  if (kind === 'progress' || kind === 'trouble') return lineOf(text)
  if (kind === 'message') return say('workspaces.events.message', { text: lineOf(text) })
  if (kind === 'extended') return say('workspaces.events.extended', { until: minuteOf(text) })
  if (kind === 'direct' || kind === 'direct-moved') return say(`workspaces.events.${kind}`, { address: lineOf(text) })
  const why = kind === 'stopping' ? reasonWords(say, { stopReason: text }) : undefined
  return [say(`workspaces.events.${kind}`), why].filter((part) => part !== undefined).join(' ')
}

/** An instant to the minute, as every page writes it where no element of time can stand. */
export function minuteOf(instant: string | Date): string {
  const iso = typeof instant === 'string' ? instant : instant.toISOString()
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`
}

/** A line that an app or a runner wrote, without what would steer a terminal, and of bearable length. */
export function lineOf(text: string): string {
  const bare = stripVTControlCharacters(text.slice(0, 4000))
  return bare.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, (one) => (one === '\t' ? one : ''))
}
