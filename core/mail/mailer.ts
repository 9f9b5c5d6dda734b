/** Nodemailer, loaded by the first letter: a quarter of a megabyte of code that a start does not wait for. @module */
import type nodemailer from 'nodemailer'

type Library = Pick<typeof nodemailer, 'createTransport'>

/** What nodemailer makes. */
interface Closing {
  close(): void
}

/** What `make` makes of the library, when it is first asked for. */
export function lateMailer<T extends Closing>(make: (library: Library) => T): { get(): Promise<T>; close(): void } {
  let made: Promise<T> | undefined
  return {
    get() {
      made ??= import('nodemailer').then((library) => make(library.default))
      return made
    },
    close: () => void made?.then((transporter) => transporter.close()),
  }
}
