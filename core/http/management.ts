/** Answers of the management listener: alive, ready, metrics. It has no host guard; keep it on an address of your own. @module */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Log } from '@labgate/contract'
import type { Health } from '../observe/health.ts'

/** What the management listener shows. */
export interface ManagementNeeds {
  readonly health: Health
  readonly metrics: { text(): Promise<string>; readonly contentType: string }
  readonly log: Log
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

const json = (status: number, value: unknown): Answer => ({
  status,
  type: 'application/json',
  body: JSON.stringify(value),
})

async function answerOf(path: string, needs: ManagementNeeds): Promise<Answer> {
  if (path === '/healthz') return json(200, { state: 'alive' })
  if (path === '/metrics') return { status: 200, type: needs.metrics.contentType, body: await needs.metrics.text() }
  if (path !== '/readyz') return json(404, { error: 'ERR_NOT_FOUND' })
  const report = await needs.health.report()
  return json(report.state === 'down' ? 503 : 200, report)
}

function send(res: ServerResponse, answer: Answer): void {
  res.writeHead(answer.status, {
    'Content-Type': answer.type,
    'Content-Length': Buffer.byteLength(answer.body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(answer.body)
}

/** The handler for `listen`: `/healthz` (the process runs), `/readyz` (200 ok or degraded, 503 down), `/metrics`. */
export function managementHandler(needs: ManagementNeeds): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    if (req.method !== 'GET' && req.method !== 'HEAD') return send(res, json(405, { error: 'ERR_METHOD' }))
    answerOf(req.url?.split('?')[0] ?? '/', needs).then(
      (answer) => send(res, answer),
      (error: unknown) => {
        needs.log.error({ error }, 'the management listener failed')
        send(res, json(500, { error: 'ERR_INTERNAL' }))
      },
    )
  }
}
