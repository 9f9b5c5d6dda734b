/** Loaded before a Labgate: measures how late its event loop is, and tells its parent when asked, beginning again. @module */
import { monitorEventLoopDelay } from 'node:perf_hooks'

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()

process.on('message', () => {
  const ms = (nanoseconds: number) => nanoseconds / 1e6
  process.send?.({ p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), worst: ms(delay.max) })
  delay.reset()
})
process.channel?.unref()
