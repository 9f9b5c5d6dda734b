/** The picture on the button: a ruled notebook, nobody's trade mark. @module */

/** A square SVG document. */
export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#2f7d5b" stroke-width="1.8" ' +
  'stroke-linejoin="round" stroke-linecap="round"><path d="M7 3h11a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 18 21H7z"/>' +
  '<path d="M7 3v18M4.5 7H7M4.5 12H7M4.5 17H7M10.5 8.5H16M10.5 12H16"/></svg>'
