import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createCookieSigner } from '../../../core/http/cookie-signer.ts'

suite('the cookie signer', () => {
  const [older, newer] = ['the-older-key-of-the-ring', 'the-newer-key-of-the-ring'] as const
  const signer = createCookieSigner([newer, older])

  test('accepts what it signed and nothing that was changed', () => {
    const signature = signer.sign('name=value')
    assert.equal(signer.verify('name=value', signature), true)
    assert.equal(signer.verify('name=other', signature), false)
    assert.equal(signer.verify('name=value', `${signature.slice(0, -2)}AA`), false)
    assert.equal(signer.verify('name=value', ''), false)
    assert.equal(signer.verify('name=value', `${signature}é`), false)
  })

  test('signs with the newest key and says which one signed, so that older cookies are signed anew', () => {
    assert.equal(signer.index('name=value', createCookieSigner([older]).sign('name=value')), 1)
    assert.equal(signer.index('name=value', signer.sign('name=value')), 0)
    assert.equal(signer.index('name=value', createCookieSigner(['a-key-of-somebody-else']).sign('name=value')), -1)
  })

  test('says the same of what it has signed or seen before', () => {
    const theirs = createCookieSigner([newer]).sign('twice=1')
    for (let time = 0; time < 3; time++) {
      assert.equal(signer.verify('twice=1', `${theirs.slice(0, -2)}AA`), false)
      assert.equal(signer.verify('twice=1', theirs), true)
      assert.equal(signer.sign('twice=1'), theirs)
      assert.equal(signer.index('twice=1', createCookieSigner([older]).sign('twice=1')), 1)
    }
  })

  test('refuses to work without a key', () => {
    assert.throws(() => createCookieSigner([]), TypeError)
  })
})
