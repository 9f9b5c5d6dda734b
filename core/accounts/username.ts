/** Usernames: unique, immutable, made once from what the first sign-in says. @module */
import type { Fact } from '@labgate/contract'

/** Names to try in turn; the caller takes the first that is free. Never an e-mail address of another host as is. */
export function* usernameCandidates(facts: readonly Fact[], suffix: () => string): Generator<string> {
  const base = slug(firstText(facts, ['preferred_username', 'login', 'nickname']) ?? localPart(facts) ?? 'user')
  yield base
  for (let count = 2; count <= 9; count++) yield `${base}${count}`
  for (;;) yield `${base}-${suffix()}`
}

/** A name for people to read; the username when nothing better is known. */
export function displayNameOf(facts: readonly Fact[], username: string): string {
  return (firstText(facts, ['name', 'display_name']) ?? username).slice(0, 150)
}

function firstText(facts: readonly Fact[], claims: readonly string[]): string | undefined {
  for (const claim of claims) {
    const value = facts.find(
      (fact) => fact.claim === claim && typeof fact.value === 'string' && fact.value !== '',
    )?.value
    if (typeof value === 'string') return value
  }
  return undefined
}

function localPart(facts: readonly Fact[]): string | undefined {
  return firstText(facts, ['email'])?.split('@')[0]
}

function slug(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
  return plain.slice(0, 40) || 'user'
}
