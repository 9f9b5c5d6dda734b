/** Terms of use by number, for those who look after them. @module */
import { Fault, type Handler, type RouteAsk } from '@labgate/contract'
import { json } from './answers.ts'
import type { CaveContext } from './config.ts'
import { assertIs, called, type Fields, fieldsIn, listed, noSuch, numberOf, textsIn } from './leave.ts'

/** Handlers of terms. */
export function tosHandlers(context: CaveContext): Readonly<Record<string, Handler>> {
  const numbered = async (ask: RouteAsk): Promise<Fields> => {
    await assertIs(context, ask, 'some')
    const id = numberOf(ask.params.id)
    const found = id === 0 ? undefined : await context.access.terms(id)
    if (!found) throw noSuch('tos')
    const said = { ERR_NOT_FOUND: "tos doesn't exist" }
    const { terms } = await called(context, ask, { operation: 'getTerms', params: { terms: found.terms }, said })
    return terms as Fields
  }
  return {
    async tosList(ask) {
      await assertIs(context, ask, 'some')
      const search = ask.url.searchParams.get('name')
      const found = await listed(context, ask, { operation: 'listTerms', query: search ? { search } : {} })
      const living = found.filter(({ retiredAt }) => retiredAt === undefined).map(view)
      return json(living.toSorted((a, b) => a.id - b.id))
    },
    oneTos: async (ask) => json(view(await numbered(ask))),
    async newTos(ask) {
      await assertIs(context, ask, 'some')
      const { name: title, text: markdown } = textsIn(ask, ['name', 'text'])
      const { dataset_id } = fieldsIn(ask)
      const dataset = dataset_id === undefined ? undefined : await context.access.dataset(numberOf(dataset_id))
      if (dataset_id !== undefined && !dataset) throw noSuch('dataset')
      const body = { id: idFor(context, title), title, markdown, ...(dataset ? { dataset: dataset.slug } : {}) }
      return json(view(await called(context, ask, { operation: 'addTerms', body })))
    },
    async changeTos(ask) {
      const before = await numbered(ask)
      const { name, text } = fieldsIn(ask)
      for (const one of [name, text])
        if (one !== undefined && (typeof one !== 'string' || one.trim() === ''))
          throw new Fault('ERR_INPUT', 'name and text must be text.')
      const params = { terms: String(before.id) }
      if (name !== undefined && name !== before.title)
        await called(context, ask, { operation: 'changeTerms', params, body: { title: name } })
      // As at middle_auth, what was accepted goes on counting.
      if (text !== undefined && text !== view(before).text)
        await called(context, ask, { operation: 'publishTerms', params, body: { markdown: text, again: 'keep' } })
      return json('success')
    },
  }
}

function view({ numericId, title, text }: Fields) {
  return { id: Number(numericId), name: String(title), text: String((text as Fields | undefined)?.markdown ?? '') }
}

/** Terms have a word for an id: from their name, and some digits, for names need not be unique. */
function idFor({ random }: CaveContext, name: string): string {
  const word = name
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  return `${word.slice(0, 40) || 'terms'}-${random.digits(6)}`
}
