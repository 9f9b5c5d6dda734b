/** What a workspace does while somebody looks: its events as they come, and what its app writes. @module */
import { isFault } from '@labgate/contract'
import type { Ctx } from '../http/context.ts'
import type { Route } from '../http/routes.ts'
import { ended, type Workspace } from '../workspaces/model.ts'
import type { EventStream, EventStreams } from './event-stream.ts'
import { type MyWorkspaces, titleOf, workspacePath, workspacesBase } from './workspace-desk.ts'
import { linesOf } from './workspace-lines.ts'
import { eventWords, lineOf } from './workspace-words.ts'

/** Also how soon a page hears of what another process wrote, and how long it outlives a session. */
const beatMs = 10_000
/** How many lines a page of logs begins with. */
const tail = 500

/** The routes that stay open, and the page of logs. */
export function workspaceLive(own: MyWorkspaces, streams: EventStreams): Route[] {
  const { door } = own
  const at = (path: string) => ({ method: 'GET', path: `${workspacesBase}/:id/${path}`, guard: door.guard() }) as const
  return [
    {
      ...at('events'),
      async handler(ctx) {
        const { mine, workspace } = await own.own(ctx)
        const after = numberIn(ctx.get('last-event-id')) ?? numberIn(ctx.query.after) ?? 0
        streams.open(ctx, mine.account, (stream) => follow(ctx, own, { stream, workspace, after }))
      },
    },
    {
      ...at('logs/follow'),
      async handler(ctx) {
        const { mine, workspace } = await own.own(ctx)
        streams.open(ctx, mine.account, (stream) => followLogs(ctx, own, { stream, workspace }))
      },
    },
    { ...at('logs'), handler: (ctx) => showLogs(ctx, own) },
  ]
}

function numberIn(text: unknown): number | undefined {
  return typeof text === 'string' && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

/** Whether whoever opened the stream is still signed in, and the workspace still theirs. */
async function isStill(ctx: Ctx, { desk, workspaces }: MyWorkspaces, { id, account }: Workspace): Promise<boolean> {
  const session = await desk.sessions.of(desk.cookie.idOf(ctx.req))
  return session?.account === account && (await workspaces.find(id))?.account === account
}

/** Every event above `after`, each once and in order, until the workspace has ended. */
async function follow(
  ctx: Ctx,
  own: MyWorkspaces,
  { stream, workspace, after }: { stream: EventStream; workspace: Workspace; after: number },
): Promise<void> {
  const { workspaces } = own
  const { id } = workspace
  const say = own.say(ctx)
  let last = after
  let wake = (): void => undefined
  let isNews = true
  const news = () => {
    isNews = true
    wake()
  }
  const stopWatching = await workspaces.watch(id, news)
  const timer = setInterval(news, beatMs)
  stream.signal.addEventListener('abort', news, { once: true })
  let checked = own.desk.clock.now().getTime()
  try {
    while (!stream.signal.aborted) {
      isNews = false
      // Before its events: the last of them is written together with the end.
      const found = await workspaces.find(id)
      const events = await workspaces.events(id, last)
      for (const event of events) {
        last = event.number
        const { at, kind } = event
        await stream.send({ id: last, data: { at, kind, text: eventWords(say, event) } })
      }
      if (events.length === 1000) isNews = true
      if (found === undefined || (ended.includes(found.state) && !isNews)) return stream.end()
      const now = own.desk.clock.now().getTime()
      if (now - checked >= beatMs) {
        checked = now
        if (!(await isStill(ctx, own, workspace))) return
        stream.beat()
      }
      if (!isNews)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  } finally {
    clearInterval(timer)
    stopWatching()
  }
}

async function followLogs(
  ctx: Ctx,
  own: MyWorkspaces,
  { stream, workspace }: { stream: EventStream; workspace: Workspace },
): Promise<void> {
  const controller = new AbortController()
  const stop = () => controller.abort()
  stream.signal.addEventListener('abort', stop, { once: true })
  const timer = setInterval(() => {
    stream.beat()
    void isStill(ctx, own, workspace).then((still) => still || stop(), stop)
  }, beatMs)
  try {
    const options = { tail, follow: true, signal: controller.signal }
    for await (const line of own.workspaces.logs(workspace.id, options))
      await stream.send({ event: 'line', data: lineOf(line) })
    stream.end()
  } catch (error) {
    // What stands in the way is told on the page itself.
    if (!isFault(error) && !controller.signal.aborted) throw error
    if (!controller.signal.aborted) stream.end()
  } finally {
    clearInterval(timer)
    controller.abort()
  }
}

async function showLogs(ctx: Ctx, own: MyWorkspaces): Promise<void> {
  const { workspace } = await own.own(ctx)
  const { lines, why } = await linesOf(own.workspaces, workspace, { tail, say: own.say(ctx) })
  own.desk.show(ctx, 'workspace-logs', {
    title: titleOf(workspace),
    back: workspacePath(workspace.id),
    lines,
    why,
    ...(why === undefined ? { follow: `${workspacePath(workspace.id)}/logs/follow` } : {}),
  })
}
