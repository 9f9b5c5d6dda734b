/** OpenTelemetry's API, loaded only where somebody has registered an SDK: else its hundred modules would do nothing. @module */
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** Where every copy of the API, of this major version, looks for what was registered. */
const place = Symbol.for('opentelemetry.js.api.1')

/** The API; `undefined` when nobody has registered anything. */
export function openTelemetry(): typeof import('@opentelemetry/api') | undefined {
  // At once, not by `import()`: parts ask while they are made.
  return Object.hasOwn(globalThis, place) ? require('@opentelemetry/api') : undefined
}
