/**
 * A browser without a window: cookies by host and path, redirects by hand, forms read from the page. It obeys
 * `Set-Cookie` attributes as far as our own cookies use them.
 * @module
 */

interface Cookie {
  readonly name: string
  readonly value: string
  readonly host: string
  readonly path: string
  readonly attributes: string
}

/** One page, as a browser got it. */
export interface Page {
  readonly url: URL
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly forms: readonly FormOnPage[]
}

export interface FormOnPage {
  readonly action: string
  readonly method: string
  readonly fields: Readonly<Record<string, string>>
  /** What a browser would send, names that come more than once included. */
  readonly sent: readonly (readonly [string, string])[]
  /** Buttons with a name or an address of their own. */
  readonly buttons: readonly {
    readonly name?: string
    readonly value?: string
    readonly action?: string
    readonly text: string
  }[]
}

export class UserAgent {
  readonly #cookies = new Map<string, Cookie>()
  readonly #stopAt: readonly string[]
  readonly #headers: Readonly<Record<string, string>>
  readonly #fetch: typeof fetch | undefined

  /** `stopAt`: prefixes of addresses that are not opened; the page then has status 0. `fetch`: how it reaches the network. */
  constructor(
    options: {
      readonly stopAt?: readonly string[]
      readonly headers?: Readonly<Record<string, string>>
      readonly fetch?: typeof fetch
    } = {},
  ) {
    this.#stopAt = options.stopAt ?? []
    this.#fetch = options.fetch
    this.#headers = options.headers ?? {}
  }

  /** Every cookie as it was set, for looking at attributes. */
  get cookies(): readonly Cookie[] {
    return [...this.#cookies.values()]
  }

  forget(name: string): void {
    for (const [key, cookie] of this.#cookies) if (cookie.name === name) this.#cookies.delete(key)
  }

  /** Takes a cookie of another browser. */
  adopt(cookie: Cookie): void {
    this.#cookies.set(`${cookie.host} ${cookie.path} ${cookie.name}`, cookie)
  }

  forgetAll(): void {
    this.#cookies.clear()
  }

  /** The Cookie header for an address. */
  cookieHeader(url: URL): string {
    return this.cookies
      .filter(
        ({ host, path }) =>
          host === url.hostname && `${url.pathname}/`.startsWith(path.endsWith('/') ? path : `${path}/`),
      )
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
  }

  async open(address: string | URL): Promise<Page> {
    return this.#request(new URL(address), { method: 'GET' })
  }

  /** Fills in and posts a form. */
  async submit(
    page: Page,
    form: FormOnPage | undefined,
    fields: Readonly<Record<string, string>> = {},
    action?: string,
  ): Promise<Page> {
    if (!form) throw new Error(`no such form at ${page.url.href}:\n${page.text.slice(0, 2000)}`)
    const kept = form.sent.filter(([name]) => !(name in fields))
    const body = new URLSearchParams([
      ...kept.map(([name, value]) => [name, value] as [string, string]),
      ...Object.entries(fields),
    ])
    return this.#request(new URL(action ?? form.action, page.url), { method: 'POST', body, origin: page.url.origin })
  }

  /** Presses the button with this text. */
  async press(page: Page, text: string | RegExp, fields: Readonly<Record<string, string>> = {}): Promise<Page> {
    for (const form of page.forms)
      for (const button of form.buttons) {
        const matches = typeof text === 'string' ? button.text.includes(text) : text.test(button.text)
        if (!matches) continue
        const named = button.name === undefined ? {} : { [button.name]: button.value ?? '' }
        return this.submit(page, form, { ...fields, ...named }, button.action)
      }
    throw new Error(`no button ${text} at ${page.url.href} (${page.status}):\n${page.text.slice(0, 3000)}`)
  }

  async #request(url: URL, init: { method: string; body?: URLSearchParams; origin?: string }): Promise<Page> {
    let [at, how] = [url, init]
    for (let hops = 0; hops < 20; hops++) {
      if (this.#stopAt.some((prefix) => at.href.startsWith(prefix))) return stopped(at)
      const response = await this.#send(at, how)
      const target = response.headers.get('location') ?? refreshOf(response.headers.get('refresh'))
      if (target === undefined) return pageOf(at, response)
      await response.text()
      at = new URL(target, at)
      how = { method: 'GET' }
    }
    throw new Error(`too many redirects, last ${at.href}`)
  }

  async #send(url: URL, init: { method: string; body?: URLSearchParams; origin?: string }): Promise<Response> {
    const cookie = this.cookieHeader(url)
    const response = await (this.#fetch ?? fetch)(url, {
      method: init.method,
      redirect: 'manual',
      headers: {
        accept: 'text/html',
        'sec-fetch-site': init.origin === undefined || init.origin === url.origin ? 'same-origin' : 'cross-site',
        ...(init.origin === undefined ? {} : { origin: init.origin }),
        ...(cookie === '' ? {} : { cookie }),
        ...this.#headers,
      },
      ...(init.body ? { body: init.body } : {}),
    })
    for (const line of response.headers.getSetCookie()) this.#take(line, url)
    return response
  }

  #take(line: string, url: URL): void {
    const [pair = '', ...rest] = line.split(';')
    const [name = '', value = ''] = pair.split(/=(.*)/s)
    const attributes = rest.join(';')
    const path = /path=([^;]+)/i.exec(attributes)?.[1] ?? '/'
    const key = `${url.hostname} ${path} ${name}`
    const isGone = value === '' || /expires=Thu, 01 Jan 1970/i.test(attributes) || /max-age=0/i.test(attributes)
    if (isGone) this.#cookies.delete(key)
    else this.#cookies.set(key, { name: name.trim(), value, host: url.hostname, path, attributes })
  }
}

function refreshOf(header: string | null): string | undefined {
  return header === null ? undefined : /url=(.*)$/.exec(header)?.[1]
}

function stopped(url: URL): Page {
  return { url, status: 0, headers: new Headers(), text: '', forms: [] }
}

async function pageOf(url: URL, response: Response): Promise<Page> {
  const text = await response.text()
  return { url, status: response.status, headers: response.headers, text, forms: formsOf(text) }
}

function formsOf(html: string): FormOnPage[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, head = '', body = '']) => ({
    action: attribute(head, 'action') ?? '',
    method: (attribute(head, 'method') ?? 'get').toUpperCase(),
    fields: Object.fromEntries(sentBy(body)),
    sent: sentBy(body),
    buttons: [...body.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/gi)].map(([, tag = '', inner = '']) => {
      const [name, value, action] = [attribute(tag, 'name'), attribute(tag, 'value'), attribute(tag, 'formaction')]
      return {
        text: unescaped(inner.replace(/<[^>]+>/g, ' '))
          .replace(/\s+/g, ' ')
          .trim(),
        ...(name === undefined ? {} : { name }),
        ...(value === undefined ? {} : { value }),
        ...(action === undefined ? {} : { action }),
      }
    }),
  }))
}

function sentBy(body: string): (readonly [string, string])[] {
  return [...body.matchAll(/<input\b([^>]*)>/gi)].flatMap(([, tag = '']) => {
    const name = attribute(tag, 'name')
    const isOff = /type="?(checkbox|radio)/.test(tag) && !/\bchecked\b/.test(tag)
    if (name === undefined || isOff) return []
    return [[name, attribute(tag, 'value') ?? (/type="?checkbox/.test(tag) ? 'on' : '')] as const]
  })
}

function attribute(tag: string, name: string): string | undefined {
  const found = new RegExp(`\\s${name}="([^"]*)"`, 'i').exec(` ${tag}`)?.[1]
  return found === undefined ? undefined : unescaped(found)
}

function unescaped(text: string): string {
  return text.replace(
    /&(amp|lt|gt|quot|#39|#x27);/g,
    (_all, name: string) => ({ amp: '&', lt: '<', gt: '>', quot: '"' })[name] ?? "'",
  )
}
