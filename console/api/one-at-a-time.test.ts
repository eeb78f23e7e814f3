import assert from 'node:assert/strict'
import { test } from 'node:test'
import { oneAtATime } from './one-at-a-time.ts'

test('where a browser has no locks, one waits for the other all the same, also for one that fails', async () => {
  const done: string[] = []
  const first = Promise.withResolvers<string>()
  const one = oneAtATime(undefined, 'seat', () => first.promise)
  const two = oneAtATime(undefined, 'seat', () => Promise.resolve(done.push('two')))
  const elsewhere = oneAtATime(undefined, 'another seat', () => Promise.resolve(done.push('elsewhere')))
  await elsewhere
  assert.deepEqual(done, ['elsewhere'])
  first.reject(new Error('the first one failed'))
  await assert.rejects(one, /the first one failed/)
  await two
  assert.deepEqual(done, ['elsewhere', 'two'])
})

test('the locks of a browser are used where it has them', async () => {
  const asked: string[] = []
  const locks = {
    request: (name: string, act: () => Promise<string>) => {
      asked.push(name)
      return act()
    },
  } as unknown as LockManager
  assert.equal(await oneAtATime(locks, 'seat', () => Promise.resolve('token')), 'token')
  assert.deepEqual(asked, ['seat'])
})
