/** Every code that an error may carry, for who follows `type` of a problem. @module */
import { type FaultCode, faults } from '@labgate/contract'
import { openTag } from './document.ts'
import { operation } from './operation.ts'
import { problemTitle } from './problem.ts'
import { listOf, record, text } from './schema.ts'

export const problemOperations = [
  operation({
    id: 'listProblems',
    method: 'GET',
    path: '/problems',
    tag: openTag,
    summary: 'List the codes of errors',
    answer: {
      status: 200,
      description: 'Every code.',
      schema: record('Codes.', {
        items: listOf(
          record('A code.', {
            code: text('The stable code; docs/errors.md has cause and mend.'),
            status: { type: 'integer', description: 'The HTTP status it becomes.' },
            title: text('The phrase of the status.'),
          }),
          'In the order of the table.',
        ),
      }),
    },
    async handle() {
      // The keys of the table are its codes.
      const codes = Object.keys(faults) as FaultCode[]
      return { items: codes.map((code) => ({ code, status: faults[code].status, title: problemTitle(code) })) }
    },
  }),
]
