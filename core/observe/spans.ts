/**
 * Spans by OpenTelemetry's API. Whoever runs Labgate registers an SDK before it begins (`node --import`); without one
 * nothing of this runs: each part asks once, when it is made. Attributes have names of routes, instances and hosts and
 * codes of errors; never a path, a query, a message, a person or a secret.
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isFault } from '@labgate/contract'
import type { Attributes, ProxyTracerProvider, Span, SpanStatusCode, Tracer } from '@opentelemetry/api'
import { openTelemetry } from './open-telemetry.ts'

/** `SpanStatusCode.ERROR`. */
const failed: SpanStatusCode.ERROR = 2

/** The API with the tracer; `undefined` when no SDK was registered. */
function listening() {
  const api = openTelemetry()
  if (api === undefined) return undefined
  const provider = api.trace.getTracerProvider() as Partial<ProxyTracerProvider> & { getTracer(name: string): Tracer }
  // The API's own provider stands in for one that may come; it says whether one has come.
  const tracer = provider.getDelegateTracer ? provider.getDelegateTracer('labgate') : provider.getTracer('labgate')
  return tracer && { ...api, tracer }
}

/** The tracer; `undefined` when no SDK was registered. */
export function registeredTracer(): Tracer | undefined {
  return listening()?.tracer
}

/** A span around work. */
export interface Work {
  readonly name: string
  readonly attributes?: Attributes
}

/** Runs work, within a span if somebody listens. */
export type Spanned = <T>(of: Work, work: () => Promise<T>) => Promise<T>

const plainly: Spanned = (_of, work) => work()

/** How a part that is made now runs its work. */
export function spanned(tracer = registeredTracer()): Spanned {
  if (tracer === undefined) return plainly
  return (of, work) =>
    tracer.startActiveSpan(of.name, { attributes: of.attributes ?? {} }, async (span) => {
      try {
        return await work()
      } catch (error) {
        fail(span, error)
        throw error
      } finally {
        span.end()
      }
    })
}

/** Only what kind of error: its message may name somebody. */
function fail(span: Span, error: unknown): void {
  span.setAttribute('error.type', isFault(error) ? error.code : error instanceof Error ? error.name : 'unknown')
  span.setStatus({ code: failed })
}

/** One finished request. */
interface Ended {
  readonly method: string
  readonly route: string
  readonly status: number
}

/** Spans of requests that come. */
export interface RequestSpans {
  /** Runs the listener within the request's span, whose parent is the one that the caller names (W3C Trace Context). */
  around(listener: (req: IncomingMessage, res: ServerResponse) => void): typeof listener
  ended(req: IncomingMessage, sample: Ended): void
}

/** Makes them; `undefined` when nobody listens. */
export function createRequestSpans(): RequestSpans | undefined {
  const api = listening()
  if (api === undefined) return undefined
  const { context, propagation, SpanKind, trace, tracer } = api
  const spans = new WeakMap<IncomingMessage, Span>()
  return {
    around: (listener) => (req, res) => {
      const parent = propagation.extract(context.active(), req.headers)
      const attributes = { 'http.request.method': req.method ?? '', 'url.scheme': schemeOf(req) }
      const span = tracer.startSpan(`${req.method}`, { kind: SpanKind.SERVER, attributes }, parent)
      spans.set(req, span)
      // Ended by the route's own watch when there is one; whatever else closes it, it ends.
      res.once('close', () => setImmediate(() => span.end()))
      context.with(trace.setSpan(parent, span), () => listener(req, res))
    },
    ended(req, { method, route, status }) {
      const span = spans.get(req)
      if (span === undefined) return
      span.updateName(`${method} ${route}`)
      span.setAttributes({ 'http.route': route, 'http.response.status_code': status })
      if (status >= 500) span.setStatus({ code: failed })
    },
  }
}

function schemeOf({ socket }: IncomingMessage): string {
  return 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http'
}

/** A request that goes out. */
export interface Outgoing {
  /** Who asks. */
  readonly name: string
  readonly method: string
  readonly host: string
}

/** Runs a request to an upstream within a span of its own; `headers` carry it on. `undefined` when nobody listens. */
export function outgoingSpans() {
  const api = listening()
  if (api === undefined) return undefined
  const { context, propagation, SpanKind, tracer } = api
  return <R extends { readonly status: number }>(
    { name, method, host }: Outgoing,
    send: (headers: Readonly<Record<string, string>>) => Promise<R>,
  ): Promise<R> => {
    const attributes = { 'http.request.method': method, 'server.address': host, 'labgate.upstream': name }
    return tracer.startActiveSpan(method, { kind: SpanKind.CLIENT, attributes }, async (span) => {
      try {
        const headers: Record<string, string> = {}
        propagation.inject(context.active(), headers)
        const response = await send(headers)
        span.setAttribute('http.response.status_code', response.status)
        if (response.status >= 400) span.setStatus({ code: failed })
        return response
      } catch (error) {
        fail(span, error)
        throw error
      } finally {
        span.end()
      }
    })
  }
}

/** The same object, with a span around each of its methods named in `names`. */
export function withSpans<T extends object>(
  object: T,
  { prefix, names, attributes }: { prefix: string; names: readonly string[]; attributes: Attributes },
): T {
  const tracer = registeredTracer()
  if (tracer === undefined) return object
  const run = spanned(tracer)
  return new Proxy(object, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      const bound = value.bind(target) as (...args: unknown[]) => Promise<unknown>
      if (typeof key !== 'string' || !names.includes(key)) return bound
      return (...args: unknown[]) => run({ name: `${prefix} ${key}`, attributes }, async () => bound(...args))
    },
  })
}
