/** ORCID iDs: 15 digits and a check character (ISO/IEC 7064, MOD 11-2). @module */

const spelling = /^(?:https?:\/\/(?:sandbox\.)?orcid\.org\/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])$/i

/**
 * Reads an iD in either spelling, bare or as an address: `0000-0002-1825-0097`, `https://orcid.org/0000-0002-1825-0097`.
 * @returns the bare iD; `undefined` when it is none, or its check character is wrong
 */
export function parseId(text: string): string | undefined {
  const id = spelling.exec(text)?.[1]?.toUpperCase()
  return id !== undefined && checkCharacter(id) === id.at(-1) ? id : undefined
}

function checkCharacter(id: string): string {
  const digits = id.replaceAll('-', '').slice(0, -1)
  const total = [...digits].reduce((sum, digit) => (sum + Number(digit)) * 2, 0)
  const check = (12 - (total % 11)) % 11
  return check === 10 ? 'X' : String(check)
}
