/** Colours, on a terminal and only where they are welcome. @module */
import { styleText } from 'node:util'
import type { Io } from './command.ts'

/** Paints text; or leaves it as it is. */
export type Paint = (style: 'bold' | 'dim' | 'red' | 'yellow' | 'green', text: string) => string

/** Colours on a terminal, unless `NO_COLOR` is set (no-color.org). */
export function paintFor(io: Pick<Io, 'isTty' | 'env'>): Paint {
  const isOn = io.isTty && (io.env.NO_COLOR ?? '') === '' && io.env.TERM !== 'dumb'
  return (style, text) => (isOn ? styleText(style, text, { validateStream: false }) : text)
}
