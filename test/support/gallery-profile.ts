/** Sample data for the page of profile questions. @module */
import type { Views } from '../../core/pages/views.ts'

interface ProfileSample {
  readonly name: string
  readonly view: 'profile'
  readonly data: Views['profile']
  readonly signedIn: boolean
}

const post = (action: string) => ({ action, csrf: 'sample-csrf' })

const lab = {
  name: 'answer-lab',
  label: 'Which lab do you work in?',
  hint: 'The one that pays for your bench.',
  type: 'select',
  required: true,
  options: [
    { value: '', label: 'Please choose' },
    { value: 'imaging', label: 'Imaging and instrument building, second floor of the east wing' },
    { value: 'optics', label: 'Optics workshop' },
  ],
} as const
const desk = { name: 'answer-desk', label: 'Where is your desk? (optional)', type: 'text', maxLength: 200 } as const

/** On the way to a service, with a mistake, and from the account page. */
export function profileSamples(): readonly ProfileSample[] {
  const onTheWay = {
    ...post('/interaction/u/profile'),
    form: { fields: [lab, desk], submit: 'Save and continue' },
    client: { name: 'Neuron Atlas', homepage: 'https://atlas.example.org/' },
    decline: post('/interaction/u/cancel'),
  }
  const error = '“Which lab do you work in?” needs an answer.'
  return [
    { name: 'profile', view: 'profile', signedIn: false, data: onTheWay },
    {
      name: 'profile-mistake',
      view: 'profile',
      signedIn: false,
      data: { ...onTheWay, form: { ...onTheWay.form, error } },
    },
    {
      name: 'profile-own',
      view: 'profile',
      signedIn: true,
      data: {
        ...post('/account/profile'),
        form: {
          fields: [
            { ...lab, value: 'optics' },
            { ...desk, value: 'By the window' },
          ],
          submit: 'Save and continue',
        },
        leave: '/account',
      },
    },
  ]
}
