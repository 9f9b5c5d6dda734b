/** What a workspace has to tell: its newest events, and the last lines of its app. @module */
import { isFault } from '@labgate/contract'
import type { Workspace, WorkspaceEvent } from '../workspaces/model.ts'
import type { Workspaces } from '../workspaces/workspaces.ts'
import { lineOf } from './workspace-words.ts'

/** Older ones of a long life are of no use to anybody. */
const mostEvents = 200
/** How long a page waits for a place that is slow to tell. */
const linesMs = 5000

/** The newest events, the oldest of them first. */
export async function newestEvents(workspaces: Pick<Workspaces, 'events'>, id: string): Promise<WorkspaceEvent[]> {
  let found: WorkspaceEvent[] = []
  for (;;) {
    const next = await workspaces.events(id, found.at(-1)?.number ?? 0)
    found = [...found, ...next].slice(-mostEvents)
    if (next.length < 1000) return found
  }
}

/** The last lines of an app; those of a failed start when it does not run any more. */
export async function linesOf(
  workspaces: Pick<Workspaces, 'logs'>,
  { id, trouble }: Workspace,
  { tail, say }: { tail: number; say: (key: string) => string },
): Promise<{ lines: string[]; why: string | undefined }> {
  const lines: string[] = []
  const signal = AbortSignal.timeout(linesMs)
  try {
    for await (const line of workspaces.logs(id, { tail, follow: false, signal })) lines.push(lineOf(line))
    return { lines: lines.slice(-tail), why: undefined }
  } catch (error) {
    if (lines.length > 0) return { lines: lines.slice(-tail), why: undefined }
    const why = isFault(error) && error.shown ? error.message : say('workspaces.noLogs')
    return { lines: (trouble?.logs ?? []).map(lineOf), why }
  }
}
