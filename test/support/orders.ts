/** Orders to a process of ours, and its answers, by IPC: both ends of it. @module */
import type { ChildProcess } from 'node:child_process'

interface Answer {
  readonly number: number
  readonly answer?: unknown
  readonly error?: string
}

/** Tells the process what to do, and waits until it is done. */
export type Tell<Order extends object> = (order: Order) => Promise<unknown>

/** Waits until a process is ready; what it says then comes along. @throws Error when it ends before */
export async function commander<Order extends object>(
  child: ChildProcess,
): Promise<{ readonly said: unknown; readonly tell: Tell<Order> }> {
  let number = 0
  const said = await answerTo(child, 0)
  return {
    said,
    tell(order) {
      number += 1
      const answer = answerTo(child, number)
      child.send({ ...order, number })
      return answer
    },
  }
}

/** Kills a process and waits until it is gone. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill('SIGKILL')
  await gone
}

function answerTo(child: ChildProcess, number: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`the process ended with ${code}`))
    const heard = (message: Answer) => {
      if (message.number !== number) return
      child.off('message', heard).off('exit', ended)
      if (message.error === undefined) resolve(message.answer)
      else reject(new Error(message.error))
    }
    child.on('message', heard).once('exit', ended)
  })
}

/** Obeys from now on; `ready` is what whoever gives orders is told first. */
export function obeyOrders<Order extends object>(ready: unknown, obey: (order: Order) => Promise<unknown>): void {
  const say = (answer: Answer) => process.send?.(answer)
  process.on('message', (order: Order & { readonly number: number }) => {
    obey(order).then(
      (answer) => say({ number: order.number, answer: answer ?? null }),
      (error: unknown) => say({ number: order.number, error: String(error) }),
    )
  })
  say({ number: 0, answer: ready ?? null })
}
