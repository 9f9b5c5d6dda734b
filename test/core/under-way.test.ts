import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createUnderWay } from '../../core/under-way.ts'

test('what is under way is what came and did not go, whatever the order', () => {
  // An even number comes; an odd one lets go of somebody, perhaps once more.
  fc.assert(
    fc.property(fc.array(fc.nat(200), { maxLength: 60 }), (steps) => {
      const underWay = createUnderWay<number>()
      const there = new Map<number, () => void>()
      const ways: { readonly thing: number; go(): void }[] = []
      for (const [at, step] of steps.entries()) {
        const chosen = ways[step % Math.max(1, ways.length)]
        if (step % 2 === 0 || chosen === undefined) {
          const go = underWay.add(at)
          there.set(at, go)
          ways.push({ thing: at, go })
        } else {
          chosen.go()
          there.delete(chosen.thing)
        }
        assert.deepEqual(
          underWay.all().sort((a, b) => a - b),
          [...there.keys()],
        )
      }
    }),
  )
})
