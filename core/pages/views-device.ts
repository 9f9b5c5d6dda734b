/** Data of the pages of the device flow. @module */
import type { ClientView, Post } from './views-parts.ts'

/** Asks for the code that a device shows; posts `user_code`. */
export interface DeviceView extends Post {
  /** Filled in already. */
  readonly code?: string | undefined
  readonly error?: string | undefined
}

/** Who asks, from where, with which code, and in whose name: yes or no. */
export interface DeviceConfirmView {
  readonly client: ClientView
  readonly code: string
  readonly account: { readonly displayName: string; readonly email?: string | undefined }
  /** Where the code was asked for: network address and browser. */
  readonly place: { readonly address: string; readonly device: string }
  readonly allow: Post
  readonly decline: Post
}

export interface DeviceViewsOfPages {
  readonly device: DeviceView
  readonly 'device-confirm': DeviceConfirmView
}
