/** Watches the ambient things that a pure function leaves alone. @module */

const ambient = ['fetch', 'setTimeout', 'setInterval', 'setImmediate'] as const

/** Runs `work` and tells which ambient things it used: network, timers, environment. */
export function purely(work: () => unknown): readonly string[] {
  const touched: string[] = []
  const undo = [watchEnvironment(touched), ...ambient.map((name) => watchGlobal(name, touched))]
  try {
    work()
  } finally {
    for (const restore of undo) restore()
  }
  return touched
}

function watchGlobal(name: (typeof ambient)[number], touched: string[]): () => void {
  const kept = Object.getOwnPropertyDescriptor(globalThis, name)
  const original: unknown = globalThis[name]
  const get = () => {
    touched.push(name)
    return original
  }
  Object.defineProperty(globalThis, name, { configurable: true, get })
  return () => {
    if (kept !== undefined) Object.defineProperty(globalThis, name, kept)
  }
}

function watchEnvironment(touched: string[]): () => void {
  const kept = process.env
  process.env = new Proxy(kept, {
    get(target, key, receiver) {
      touched.push(`environment variable ${String(key)}`)
      return Reflect.get(target, key, receiver)
    },
  })
  return () => {
    process.env = kept
  }
}
