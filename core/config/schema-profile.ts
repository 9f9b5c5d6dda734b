/** The schema of the section `profile`: what people are asked about themselves. @module */

const text = (description: string, maxLength: number) =>
  ({ type: 'string', minLength: 1, maxLength, description }) as const

/** What people are asked about themselves. */
export const profileSchema = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'What people are asked about themselves, on the way to a service and on their account page.',
  properties: {
    questions: {
      type: 'array',
      default: [],
      description: 'The questions, in the order in which they are asked.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['id', 'label', 'type'],
        description: 'One question.',
        properties: {
          id: {
            type: 'string',
            format: 'question-id',
            description: 'Name of the answer: as a fact, in `answer:ID` of `claims`, and in groups. Keep it.',
          },
          label: text('The question, as people read it.', 150),
          hint: text('A line below the field.', 300),
          type: {
            enum: ['text', 'choice'],
            type: 'string',
            description: '`text`: a line that people write; `choice`: one of `options`.',
          },
          options: {
            type: 'array',
            description: 'What can be chosen.',
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['value', 'label'],
              description: 'One option.',
              properties: {
                value: {
                  type: 'string',
                  format: 'answer',
                  description: 'What is kept. An answer keeps it: so do you.',
                },
                label: text('What people read.', 150),
              },
            },
          },
          required: {
            type: 'boolean',
            default: false,
            description: '`true`: nobody goes on to a service without an answer; else the question is asked once.',
          },
          group: {
            type: 'boolean',
            default: false,
            description:
              '`true` (choices only): who answers is in the group `profile:ID/VALUE`, by nobody’s word but their own.',
          },
        },
      },
    },
  },
} as const
