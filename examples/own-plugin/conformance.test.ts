/** The cases every sign-in passes, against a badge office in memory. @module */
import assert from 'node:assert/strict'
import { authConformance, callbackReply } from '@labgate/testkit'
import plugin from './index.ts'

const office = 'https://badges.example.org'
const tickets = new Map<string, object>()
let lie = {}

/** The office: tells once who holds a ticket. */
async function fetch(_: unknown, init?: RequestInit): Promise<Response> {
  const { ticket } = JSON.parse(String(init?.body))
  const badge = tickets.get(ticket)
  tickets.delete(ticket)
  return badge === undefined ? new Response(null, { status: 404 }) : Response.json({ ...badge, ...lie })
}

/** From now on the office lies, until what is returned is called. */
const lying = (about: object) => () => {
  lie = about
  return () => {
    lie = {}
  }
}

authConformance({
  plugin,
  config: { office, key: 'a key for the test' },
  fetch,
  hostile: {
    wrongNonce: lying({ nonce: 'of another attempt' }),
    otherIssuer: lying({ office: 'https://other.example.org' }),
    unverifiedEmail: lying({ emailChecked: false }),
  },
  // An honest person: shows the badge at the office and comes back with a ticket.
  async answer({ step, attempt }) {
    assert.ok('to' in step)
    const nonce = step.to.searchParams.get('nonce')
    const ticket = `ticket-${tickets.size}-${attempt.id}`
    tickets.set(ticket, { badge: '4711', name: 'Ada', email: 'ada@example.org', emailChecked: true, office, nonce })
    const back = new URL(attempt.redirectUri)
    back.search = new URLSearchParams({ ticket, state: attempt.state }).toString()
    return callbackReply(back)
  },
})
