/** The same measurements by OpenTelemetry's API, for those who register an SDK; names follow its conventions. @module */
import type { Meter } from '@opentelemetry/api'
import type { Metrics } from './metrics.ts'
import { openTelemetry } from './open-telemetry.ts'

/** What is measured. */
type Measured = Pick<Metrics, 'request' | 'signIn' | 'upstream' | 'mail'>

/** The meter; `undefined` when no SDK was registered. */
export function registeredMeter(): Meter | undefined {
  const api = openTelemetry()
  const meter = api?.metrics.getMeter('labgate')
  return meter?.constructor === api?.createNoopMeter().constructor ? undefined : meter
}

/** Tells both; `own` alone when nobody listens. */
export function alsoMetered<T extends Measured>(own: T, meter = registeredMeter()): T {
  if (meter === undefined) return own
  const seconds = { unit: 's' }
  const requests = meter.createHistogram('http.server.request.duration', seconds)
  const upstreams = meter.createHistogram('labgate.upstream.duration', seconds)
  const signIns = meter.createCounter('labgate.sign_ins')
  const mails = meter.createCounter('labgate.mails')
  return {
    ...own,
    request(sample) {
      own.request(sample)
      requests.record(sample.seconds, {
        'http.request.method': sample.method,
        'http.route': sample.route,
        'http.response.status_code': sample.status,
      })
    },
    signIn(sample) {
      own.signIn(sample)
      signIns.add(1, { 'labgate.instance': sample.instance, 'labgate.outcome': sample.outcome })
    },
    upstream(sample) {
      own.upstream(sample)
      upstreams.record(sample.seconds, { 'labgate.upstream': sample.name, 'labgate.outcome': sample.outcome })
    },
    mail(sample) {
      own.mail(sample)
      mails.add(1, { 'labgate.outcome': sample.outcome })
    },
  }
}
