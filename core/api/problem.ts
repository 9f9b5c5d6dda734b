/** Errors of the admin API: Problem Details (RFC 9457), the only way one is answered here. @module */
import { STATUS_CODES } from 'node:http'
import { type Fault, type FaultCode, faults } from '@labgate/contract'
import type { Ctx, Step } from '../http/context.ts'
import { base } from './operation.ts'
import { record } from './schema.ts'

/** The schema of an error. */
export const problemSchema = record(
  'What went wrong (RFC 9457).',
  {
    type: { type: 'string', format: 'uri-reference', description: 'Where the code is explained.' },
    title: { type: 'string', description: 'The phrase of the status.' },
    status: { type: 'integer', description: 'The HTTP status.' },
    detail: { type: 'string', description: 'What is wrong with this request, in words; names the field.' },
    code: { type: 'string', enum: Object.keys(faults), description: 'The stable code; see docs/errors.md.' },
    requestId: { type: 'string', description: 'The same id stands in the log of the server.' },
  },
  ['detail'],
)

/** Where a code is explained. */
function problemType(code: FaultCode): string {
  return `${base}/problems#${code}`
}

/** The phrase of a code's status. */
export function problemTitle(code: FaultCode): string {
  return STATUS_CODES[faults[code].status] ?? 'Error'
}

/** Answers a fault. */
export function answerProblem(fault: Fault, ctx: Ctx): void {
  const { code, status, shown, message } = fault
  ctx.status = status
  ctx.body = JSON.stringify({
    type: problemType(code),
    title: problemTitle(code),
    status,
    ...(shown ? { detail: message } : {}),
    code,
    requestId: ctx.state.requestId,
  })
  ctx.type = 'application/problem+json'
}

/** Lets even what no route takes be answered as a problem, below the API's base. */
export const problemStep: Step = (ctx, next) => {
  const { path } = ctx
  if (path.startsWith(base) && (path.length === base.length || path[base.length] === '/'))
    ctx.state.onError = answerProblem
  return next()
}
