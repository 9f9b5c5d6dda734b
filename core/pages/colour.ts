/** The deployer's accent colour, made readable: nudged towards black or white until it has enough contrast (WCAG 2.2 §1.4.3). @module */
import { Fault } from '@labgate/contract'

/** An accent for the light and the dark scheme, each with the colour of text upon it. */
export interface Accent {
  readonly light: Shade
  readonly dark: Shade
  /** Whether the colour had to be changed in the light scheme. */
  readonly adjusted: boolean
}

export interface Shade {
  readonly colour: string
  readonly text: string
}

type Rgb = readonly [red: number, green: number, blue: number]

// The surfaces of the style sheet that accented text stands on, the less favourable one of each scheme.
const lightSurface: Rgb = [0xf3, 0xf4, 0xf1]
const darkSurface: Rgb = [0x20, 0x26, 0x24]
const white: Rgb = [255, 255, 255]
const black: Rgb = [10, 14, 13]
const enough = 4.6

/**
 * Reads `#rgb` or `#rrggbb` and returns shades that are readable as text, as a button and as a focus ring.
 * @throws Fault ERR_CONFIG when it is not such a colour
 */
export function accentOf(colour: string): Accent {
  const given = parse(colour)
  const light = towards({ from: given, to: black, surface: lightSurface })
  const dark = towards({ from: given, to: white, surface: darkSurface })
  return {
    light: { colour: print(light), text: print(textOn(light)) },
    dark: { colour: print(dark), text: print(textOn(dark)) },
    adjusted: print(light) !== print(given),
  }
}

function parse(colour: string): Rgb {
  const hex = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(colour.trim())?.[1]
  if (hex === undefined)
    throw new Fault('ERR_CONFIG', `branding.accent must be a colour like #0f6657, got ${JSON.stringify(colour)}`)
  const full = hex.length === 3 ? [...hex].map((digit) => digit + digit).join('') : hex
  const number = Number.parseInt(full, 16)
  return [number >> 16, (number >> 8) & 255, number & 255]
}

function towards({ from, to, surface }: { from: Rgb; to: Rgb; surface: Rgb }): Rgb {
  for (let step = 0; step <= 20; step++) {
    const mixed = mix(from, to, step / 20)
    if (contrast(mixed, surface) >= enough) return mixed
  }
  return to
}

function mix(from: Rgb, to: Rgb, share: number): Rgb {
  const part = (index: 0 | 1 | 2) => Math.round(from[index] + (to[index] - from[index]) * share)
  return [part(0), part(1), part(2)]
}

function textOn(surface: Rgb): Rgb {
  return contrast(white, surface) >= contrast(black, surface) ? white : black
}

/** Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio"). */
function contrast(one: Rgb, other: Rgb): number {
  const [dark, light] = [luminance(one), luminance(other)].toSorted((a, b) => a - b) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((part) => {
    const share = part / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function print(colour: Rgb): string {
  return `#${colour.map((part) => part.toString(16).padStart(2, '0')).join('')}`
}
