/**
 * Questions to the person between a sign-in and its relying party: asked, kept, and then the interaction goes on. The
 * form is shared with the account page.
 * @module
 */
import { Fault, type Field, type Form, isFault } from '@labgate/contract'
import type { GivenAnswers, ProfileAnswer } from '../accounts/profile.ts'
import type { Ctx } from '../http/context.ts'
import { allowFormTo } from '../http/headers.ts'
import { seeOther } from '../http/see-other.ts'
import { type Desk, post } from './desk.ts'
import type { Interaction } from './interactions.ts'
import { acceptorOf } from './terms.ts'

/** Fields of a form are of their own: a question may be called like one that every form has. */
const prefix = 'answer-'

/** The form of some questions, with what was typed, or else what was answered before. */
export function profileForm(desk: Desk, ctx: Ctx, asked: { answers: readonly ProfileAnswer[]; error?: string }): Form {
  const typed = asked.error === undefined ? undefined : ctx.state.form
  return {
    fields: asked.answers.map((answer) => fieldOf(desk, ctx, { answer, typed })),
    submit: desk.text(ctx, 'profile.save'),
    ...(asked.error === undefined ? {} : { error: asked.error }),
  }
}

function fieldOf(
  desk: Desk,
  ctx: Ctx,
  { answer: { question, value }, typed }: { answer: ProfileAnswer; typed: URLSearchParams | undefined },
): Field {
  const { id, label, hint, type, options = [], required } = question
  const name = `${prefix}${id}`
  return {
    name,
    label: required ? label : desk.text(ctx, 'profile.optional', { label }),
    type: type === 'choice' ? 'select' : 'text',
    value: typed?.get(name) ?? value ?? '',
    required,
    ...(hint === undefined ? {} : { hint }),
    ...(type === 'choice'
      ? { options: [{ value: '', label: desk.text(ctx, 'profile.choose') }, ...options] }
      : { maxLength: 200, autocomplete: 'off' }),
  }
}

/** What a form says about these questions; one that is not in it is empty. */
function postedAnswers(ctx: Ctx, answers: readonly ProfileAnswer[]): GivenAnswers {
  const form = ctx.state.form ?? new URLSearchParams()
  return Object.fromEntries(answers.map(({ question: { id } }) => [id, form.get(`${prefix}${id}`) ?? '']))
}

/** Keeps what a form says about these questions; answers what was wrong with it, in words. */
export async function answerPosted(
  desk: Desk,
  ctx: Ctx,
  { account, answers }: { account: string; answers: readonly ProfileAnswer[] },
): Promise<string | undefined> {
  try {
    await desk.profile.answer(acceptorOf(ctx, account), account, postedAnswers(ctx, answers))
    return undefined
  } catch (error) {
    if (isFault(error) && error.code === 'ERR_INPUT') return error.message
    throw error
  }
}

/** Questions within an interaction. */
export interface InteractionProfile {
  show(ctx: Ctx, interaction: Interaction): Promise<void>
  answer(ctx: Ctx, interaction: Interaction): Promise<void>
}

/** Makes the page of questions of interactions. */
export function createInteractionProfile(desk: Desk): InteractionProfile {
  const { interactions } = desk
  /** The person of the interaction, who must be the one at this browser. */
  const personOf = async (ctx: Ctx, { prompt, session }: Interaction): Promise<string> => {
    const mine = await desk.cookie.of(ctx.req)
    if (prompt.name !== 'profile' || session === undefined || mine?.account !== session.accountId)
      throw new Fault('ERR_LOGIN_EXPIRED', desk.text(ctx, 'login.expired'))
    return mine.account
  }
  const dueOf = async (account: string) => (await desk.profile.answers(account)).filter(({ isDue }) => isDue)
  const ask = async (ctx: Ctx, interaction: Interaction, asked: { account: string; error?: string }): Promise<void> => {
    const answers = await dueOf(asked.account)
    // Answered in another tab meanwhile, or there is nothing more to ask.
    if (answers.length === 0) {
      seeOther(ctx, await interactions.finish(ctx, { profile: {} }))
      return
    }
    // The answers end at the relying party, and Chromium checks redirects of forms too.
    if (interaction.redirectUri) allowFormTo(ctx, interaction.redirectUri)
    const base = `/interaction/${interaction.uid}`
    const error = asked.error === undefined ? {} : { error: asked.error }
    desk.show(ctx, 'profile', {
      ...post(desk, interaction.uid, `${base}/profile`),
      form: profileForm(desk, ctx, { answers, ...error }),
      client: await interactions.client(interaction.clientId),
      decline: post(desk, interaction.uid, `${base}/cancel`),
    })
  }
  return {
    show: async (ctx, interaction) => ask(ctx, interaction, { account: await personOf(ctx, interaction) }),
    async answer(ctx, interaction) {
      const account = await personOf(ctx, interaction)
      const error = await answerPosted(desk, ctx, { account, answers: await dueOf(account) })
      if (error === undefined) return ask(ctx, interaction, { account })
      ctx.status = 400
      await ask(ctx, interaction, { account, error })
    },
  }
}
