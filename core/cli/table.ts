/** Lines and columns for a terminal, safe whatever the values are. @module */

/** A text as it may be printed: people choose their names, and control characters would steer the terminal. */
export function plain(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (value instanceof Date) return value.toISOString().slice(0, 16).replace('T', ' ')
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, ' ')
}

/** Rows below their headings, in columns as wide as they need. */
export function tableText(headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const lines = [headings, ...rows.map((row) => row.map(plain))]
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Names and values, one pair a line; pairs without a value are left out. */
export function pairsText(pairs: readonly (readonly [string, unknown])[]): string {
  const present = pairs.map(([name, value]) => [name, plain(value)] as const).filter(([, value]) => value !== '')
  const width = Math.max(0, ...present.map(([name]) => name.length))
  return present.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}
