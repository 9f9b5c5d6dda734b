import assert from 'node:assert/strict'
import plugin from '@labgate/auth-email'
import { authConformance, formReply, type Turn, visitReply } from '@labgate/testkit'

/** The code of the last mail, as a person copies it. */
function codeIn({ bench }: Turn): string {
  const digits = /^ {4}(\d{3}) (\d{3})$/m.exec(bench.mails.at(-1)?.text ?? '')
  assert.ok(digits, 'a code in the mail')
  return `${digits[1]}${digits[2]}`
}

const person = { plugin, config: {}, input: { email: 'ada@example.org' } }

authConformance({ ...person, answer: async (turn) => formReply({ code: codeIn(turn) }) })

authConformance({
  ...person,
  plugin: { ...plugin, name: 'email-link' },
  async answer({ bench, attempt }) {
    const links = bench.mails.at(-1)?.text.match(/https:\S+/g) ?? []
    const link = links.find((one) => one.startsWith(attempt.visitUri.href))
    assert.ok(link, 'a link in the mail')
    return visitReply(new URL(link))
  },
})
