import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { Complaint } from '@timesale/local/commands/command-line'
import type { PartStatus } from '@timesale/local/supervisor/supervisor'
import { checkRunning, killMoments, killWhenUp, waitForReturn } from './kills.ts'

const { signal } = new AbortController()

test('parts are killed one after the other, while there is a rush', () => {
  for (const count of [1, 2, 5, 12]) {
    const moments = killMoments(count)
    assert.equal(moments.length, count)
    assert.ok(moments.every((moment, index) => moment > (moments[index - 1] ?? 0) && moment < 0.8))
  }
})

test('what does not run when the sale begins is told, with what brings it back', () => {
  const there = (state: string) => [
    { name: 'stock', state },
    { name: 'order', state: 'stopped' },
  ]
  const refused = (state: string, words: RegExp) =>
    assert.throws(
      () => checkRunning(['stock'], there(state)),
      (error) => error instanceof Complaint && words.test(error.message),
    )
  checkRunning(['stock'], there('running'))
  refused('stopped', /^--kill: stock is stopped, .*npm run part -- start stock/)
  refused('paused', /npm run part -- resume stock/)
  refused('restarting', /npm run status/)
})

test('a part is killed once it is up, also when the supervisor does not answer meanwhile, or says that it is what it was', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'], { stdio: 'ignore' })
  const dead = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
  await once(dead, 'exit')
  const shop = answering(
    'none',
    { state: 'restarting', pid: null },
    { state: 'running', pid: dead.pid ?? null },
    { state: 'running', pid: child.pid ?? null },
  )
  const gone = once(child, 'exit')

  assert.equal(await killWhenUp(shop, 'stock', signal), undefined)
  assert.deepEqual(await gone, [null, 'SIGKILL'])
  assert.equal(
    await killWhenUp(answering({ state: 'stopped', pid: null }), 'stock', signal, 0),
    'stock was stopped, and was not killed',
  )
  assert.match((await killWhenUp(answering('none'), 'stock', signal, 0)) ?? '', /^stock was not to be seen/)
})

test('a part is back once the supervisor says so, and not while it says nothing', async () => {
  const running = { state: 'running', pid: 1 } as const
  assert.deepEqual(
    await waitForReturn(answering('none', { state: 'starting', pid: 1 }, running), ['stock'], signal),
    [],
  )
  assert.deepEqual(await waitForReturn(answering('none'), ['stock'], signal, 0), ['stock'])
  assert.deepEqual(await waitForReturn(answering('none'), [], signal, 0), [])
})

type Says = Pick<PartStatus, 'state' | 'pid'> | 'none'

/** Each time the next of these, and the last one for ever. */
function answering(...says: readonly Says[]) {
  const left = [...says]
  return {
    parts: async (): Promise<PartStatus[]> => {
      const now = left.length > 1 ? left.shift() : left[0]
      if (now === undefined || now === 'none') throw new Complaint('The supervisor does not answer')
      return [{ name: 'stock', ...now } as PartStatus]
    },
  }
}
