/** The one place that reads the machine's clock; everything else is handed a {@link Clock}. @module */
import type { Clock } from '@labgate/contract'

/** The machine's own clock. */
export const systemClock: Clock = Object.freeze({ now: () => new Date() })
