/** Instants in words, in UTC; "now" is handed in. @module */

/** An instant for a `<time>` element. */
export interface When {
  readonly iso: string
  /** Short: "5 minutes ago", or the day. */
  readonly text: string
  /** Day and time, with the zone. */
  readonly full: string
}

/** Once a language: making a format costs a hundred times its use, and memory that is given back late; a long list must not make thousands. */
export function kept<T>(make: (locale: string) => T): (locale: string) => T {
  const byLocale = new Map<string, T>()
  return (locale) => {
    const format = byLocale.get(locale) ?? make(locale)
    byLocale.set(locale, format)
    return format
  }
}

const dayAndTime = kept(
  (locale) => new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' }),
)
const dayAlone = kept((locale) => new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' }))
const distances = kept((locale) => new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }))
const lengths = kept((locale) => {
  const of = (unit: string) => new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' })
  return { days: of('day'), hours: of('hour'), minutes: of('minute') }
})
const lists = kept((locale) => new Intl.ListFormat(locale, { type: 'unit' }))

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Tells an instant as seen from `now`; what lies more than a week away is told as a date. */
export function when(at: Date, now: Date, locale: string): When {
  return { iso: at.toISOString(), text: relative(at, now, locale), full: `${dayAndTime(locale).format(at)} UTC` }
}

function relative(at: Date, now: Date, locale: string): string {
  const distance = at.getTime() - now.getTime()
  const format = distances(locale)
  const size = Math.abs(distance)
  if (size < minute) return format.format(0, 'second')
  if (size < hour) return format.format(Math.trunc(distance / minute), 'minute')
  if (size < day) return format.format(Math.trunc(distance / hour), 'hour')
  if (size < 7 * day) return format.format(Math.trunc(distance / day), 'day')
  return dayAlone(locale).format(at)
}

/** How what lies ahead is told, and in which language. */
export interface Ahead {
  readonly locale: string
  /** "1 hour, 59 minutes" in, "in 1 hour, 59 minutes" out. */
  in(time: string): string
}

/**
 * Tells an end by what is left until then, to the minute and never more than there is: 1:59:59 is not an hour. What is
 * past, or more than a week away, is told as by `when`.
 */
export function left(at: Date, now: Date, ahead: Ahead): When {
  const told = when(at, now, ahead.locale)
  const size = at.getTime() - now.getTime()
  if (size < minute || size >= 7 * day) return told
  const { days, hours, minutes } = lengths(ahead.locale)
  const [d, h, m] = [Math.floor(size / day), Math.floor((size % day) / hour), Math.floor((size % hour) / minute)]
  const parts = [
    ...(d > 0 ? [days.format(d)] : []),
    ...(h > 0 ? [hours.format(h)] : []),
    ...(m > 0 && d === 0 ? [minutes.format(m)] : []),
  ]
  return { ...told, text: ahead.in(lists(ahead.locale).format(parts)) }
}

/** A number of seconds in words, rounded up to what a person waits in. */
export function wait(seconds: number, locale: string): string {
  const [count, unit] =
    seconds <= 90 ? [seconds, 'second'] : seconds <= 5400 ? [seconds / 60, 'minute'] : [seconds / 3600, 'hour']
  return new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.ceil(count))
}
