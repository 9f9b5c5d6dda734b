/** Plain text as the body of a mail in HTML. @module */

/** Each character that HTML reads otherwise is spelled out; lines stay lines. Goes between `<p>` and `</p>`. */
export function asHtml(plain: string): string {
  return plain.replaceAll(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`).replaceAll('\n', '<br>\n')
}
