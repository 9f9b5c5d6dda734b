/** What people say of themselves: answers to the site's questions, as site admins see and set them. @module */
import { type ApiNeeds, type Caller, operation } from './operation.ts'
import { instant, line, listOf, maybeLine, name, record, ref, text } from './schema.ts'
import { accountNamed, assertSiteAdmin } from './sight.ts'

export const profileSchemas = {
  Answer: record(
    'A question with what a person answered. Nobody vouches for it.',
    {
      question: text('Id of the question.'),
      label: text('The question.'),
      value: text('What is kept: of a choice its value.'),
      text: text('The same in words.'),
      isDue: { type: 'boolean', description: 'Whether the person is asked at their next way to a service.' },
      at: instant('When it was answered, or left empty.'),
    },
    ['value', 'text', 'at'],
  ),
}

const params = { account: name('Id or username.') }
const answer = {
  status: 200,
  description: 'Every question.',
  schema: record('Answers.', { items: listOf(ref('Answer'), 'Every question, in the order of the config.') }),
} as const

async function personNamed(needs: ApiNeeds, caller: Caller, named: string): Promise<string> {
  assertSiteAdmin(caller, 'look after accounts')
  return (await accountNamed(needs, named)).id
}

async function answersOf({ profile }: ApiNeeds, account: string) {
  const answers = await profile.answers(account)
  const items = answers.map(({ question: { id, label }, ...rest }) => ({ question: id, label, ...rest }))
  return { items }
}

export const profileOperations = [
  operation({
    id: 'getProfile',
    method: 'GET',
    path: '/accounts/{account}/profile',
    tag: 'accounts',
    summary: 'List the questions to a person, with the answers',
    params,
    answer,
    handle: async ({ caller, params }, needs) => answersOf(needs, await personNamed(needs, caller, params.account)),
  }),
  operation({
    id: 'setProfile',
    method: 'PUT',
    path: '/accounts/{account}/profile/{question}',
    tag: 'accounts',
    summary: 'Answer a question for a person',
    description: 'An empty value takes back the answer to a question that does not need one.',
    params: { ...params, question: line('Id of the question.') },
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['value'],
      properties: { value: maybeLine('The answer: of a choice one of its values.') },
    },
    answer,
    async handle({ caller, params, body }, needs) {
      const id = await personNamed(needs, caller, params.account)
      await needs.profile.answer(caller.actor, id, { [params.question]: body.value })
      return answersOf(needs, id)
    },
  }),
]
