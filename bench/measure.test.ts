import assert from 'node:assert/strict'
import { test } from 'node:test'
import { measureRounds, type Progress } from './measure.ts'

test('rounds are interleaved', async () => {
  const order: string[] = []
  const side = (name: string) => ({
    name,
    run: (round: number) => {
      order.push(`${name}${round}`)
      return Promise.resolve(round)
    },
  })

  const samples = await measureRounds([side('a'), side('b')], 2, silent([]))

  assert.deepEqual(order, ['a1', 'b1', 'a2', 'b2'])
  assert.deepEqual(Object.fromEntries(samples), { a: [1, 2], b: [1, 2] })
})

test('a side that fails once has no samples, is told, and does not stop the others', async () => {
  const failed: string[] = []
  const broken = (round: number): Promise<number> =>
    round === 2 ? Promise.reject(new Error('nothing was there')) : Promise.resolve(round)

  const samples = await measureRounds(
    [
      { name: 'broken', run: broken },
      { name: 'sound', run: (round) => Promise.resolve(round) },
    ],
    3,
    silent(failed),
  )

  assert.deepEqual(Object.fromEntries(samples), { sound: [1, 2, 3] })
  assert.deepEqual(failed, ['broken'])
})

function silent(failed: string[]): Progress {
  return { say: () => undefined, sampled: () => undefined, failed: (what) => failed.push(what) }
}
