/** In which language people read: what they chose, else what their browser asks for, else the site's own. */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { wordsFor } from '../../core/assembly.ts'
import { textOf } from '../support/flow.ts'
import { freePort, relyingParty, signInByEmail, startLabgate, type TestLabgate } from '../support/labgate.ts'
import { UserAgent } from '../support/user-agent.ts'

const speaking = (language: string) =>
  new UserAgent({ stopAt: ['http://127.0.0.1:9/'], headers: { 'accept-language': language } })
const langOf = (text: string) => /<html lang="([^"]+)"/.exec(text)?.[1]

suite('languages', () => {
  let site: TestLabgate
  let cave: string
  before(async () => {
    const port = await freePort()
    cave = `http://127.0.0.1:${port}`
    const plugins = {
      email: { use: '@labgate/auth-email', config: { mailsPerHour: 100 } },
      cave: { use: '@labgate/authz-cave', host: `127.0.0.1:${port}` },
    }
    site = await startLabgate({ language: 'de', plugins }, { port })
  })
  after(() => site.stop())

  const home = async (agent: UserAgent) => langOf((await agent.open(`${site.issuer}/`)).text)

  test('a browser gets what it asks for, and the site’s own where that is not there', async () => {
    assert.deepEqual(
      [await home(speaking('en-GB')), await home(speaking('de-CH, en;q=0.5')), await home(speaking('fr'))],
      ['en', 'de', 'de'],
    )
  })

  test('the switch works without scripts, comes back to its page, and holds in this browser', async () => {
    const agent = speaking('en')
    const party = await relyingParty(site.issuer)
    const chooser = await agent.open((await party.request()).url)
    assert.equal(langOf(chooser.text), 'en')
    const german = await agent.press(chooser, 'Deutsch')
    assert.equal(german.url.href, chooser.url.href)
    assert.equal(langOf(german.text), 'de')
    assert.match(textOf(german), /Anmelden/)
    assert.equal(await home(agent), 'de')
    const cookie = agent.cookies.find(({ name }) => name.endsWith('_language'))
    assert.match(cookie?.attributes ?? '', /httponly/i)
    assert.match(cookie?.attributes ?? '', /samesite=lax/i)
  })

  test('what a person chose goes with the account: into another browser, the export and mail; erasing it takes it', async () => {
    const agent = speaking('de')
    await signInByEmail(site, agent, { at: `${site.issuer}/account`, email: 'ada@example.org' })
    const switched = await agent.press(await agent.open(`${site.issuer}/account`), 'English')
    assert.equal(langOf(switched.text), 'en')
    const other = speaking('de')
    const signedIn = await signInByEmail(site, other, { at: `${site.issuer}/account`, email: 'ada@example.org' })
    assert.equal(langOf(signedIn.text), 'en')
    const { get } = site.labgate.rooms
    const account = (await get('accounts').findByVerifiedEmail('ada@example.org'))?.id ?? ''
    const actor = { kind: 'system', name: 'test' } as const
    assert.equal((await get('life').exportOf(actor, account)).language, 'en')
    assert.equal((await wordsFor(get, account)).locale, 'en')
    await get('life').erase(actor, account)
    assert.equal(await get('languages').of(account), undefined)
  })

  test('mail to who never chose is in the language that a way to sign in says is theirs, else the site’s', async () => {
    const { get } = site.labgate.rooms
    const person = async (locale: string | undefined) => {
      const said = locale === undefined ? [] : [{ claim: 'locale', value: locale, trust: 'asserted' } as const]
      const subject = `person-${locale}`
      return get('storage').transaction(async (em) => {
        const id = await get('accounts').createIn(em, { facts: said, state: 'active', role: 'user' })
        const assertion = { issuer: 'urn:test', subject, facts: said, at: new Date(), amr: [] }
        await get('identities').linkIn(em, id, { source: { instance: 'email', realm: 'test' }, assertion })
        return id
      })
    }
    const spoken = async (locale: string | undefined) => (await wordsFor(get, await person(locale))).locale
    assert.deepEqual([await spoken('en_GB'), await spoken('fr'), await spoken(undefined)], ['en', 'de', 'de'])
    assert.equal((await wordsFor(get, undefined)).locale, 'de')
  })

  test('a dialect on a host of its own speaks it too', async () => {
    const page = `${cave}/auth/api/v1/create_token`
    const german = await signInByEmail(site, speaking('de'), { at: page, email: 'cid@example.org' })
    assert.match(textOf(german), /Ein Token für CAVE .* Token erstellen/)
    const { get } = site.labgate.rooms
    const account = (await get('accounts').findByVerifiedEmail('cid@example.org'))?.id ?? ''
    await get('languages').choose(account, 'en')
    const english = await signInByEmail(site, speaking('de'), { at: page, email: 'cid@example.org' })
    assert.match(textOf(english), /A token for CAVE/)
    assert.equal(langOf(english.text), 'en')
  })

  test('refuses other sites, other languages and other addresses', async () => {
    const post = (headers: Record<string, string>, fields: Record<string, string>) =>
      fetch(`${site.issuer}/language`, {
        ...{ method: 'POST', redirect: 'manual', body: new URLSearchParams(fields) },
        headers: { accept: 'text/html', ...headers },
      })
    const own = { origin: site.issuer, 'sec-fetch-site': 'same-origin' }
    assert.equal((await post({ origin: 'https://evil.example' }, { language: 'de' })).status, 403)
    assert.equal((await post({}, { language: 'de' })).status, 403)
    for (const language of ['', 'xx', '__proto__', 'de\r\nx: y', '../de']) {
      const answer = await post(own, { language })
      assert.equal(answer.status, 400, language)
      assert.equal(answer.headers.get('set-cookie'), null)
    }
    for (const to of ['https://evil.example/', '//evil.example', '/\\evil.example', ''])
      assert.equal((await post(own, { language: 'en', to })).headers.get('location'), '/', to)
  })

  test('a cookie that names no language of ours is as none', async () => {
    const answer = await fetch(site.issuer, {
      headers: { accept: 'text/html', cookie: 'labgate_language=%3Cb%3E', 'accept-language': 'en' },
    })
    assert.equal(langOf(await answer.text()), 'en')
  })

  test('error pages speak it too, and a page that was posted has no switch', async () => {
    const lost = await speaking('de').open(`${site.issuer}/no-such-page`)
    assert.match(textOf(lost), /Hier ist nichts/)
    const posted = await fetch(`${site.issuer}/language`, {
      ...{ method: 'POST', body: new URLSearchParams({ language: 'xx' }) },
      headers: { accept: 'text/html', origin: site.issuer, 'sec-fetch-site': 'same-origin' },
    })
    const refused = await posted.text()
    assert.match(refused, /Diese Sprache gibt es hier nicht/)
    assert.doesNotMatch(refused, /action="\/language"/)
    const agent = speaking('de')
    const shown = await agent.open(`${site.issuer}/`)
    assert.ok(shown.forms.some(({ action }) => action === '/language'))
  })
})
