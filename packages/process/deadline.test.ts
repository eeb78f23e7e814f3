import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { within } from './deadline.ts'

const late = (): Error => new Error('late')

test('an answer in time is the answer, and one that fails fails', async () => {
  assert.equal(await within(1_000, Promise.resolve('here'), late), 'here')
  await assert.rejects(within(1_000, Promise.reject(new Error('broken')), late), /broken/)
})

test('what does not come is late', async () => {
  await assert.rejects(within(20, new Promise(() => undefined), late), /late/)
})

test('what came while the process was busy is not late', async () => {
  const echo = spawn(process.execPath, ['-e', 'process.stdin.pipe(process.stdout)'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    echo.stdin.write('awake')
    await once(echo.stdout, 'data')

    echo.stdin.write('answer')
    const answer = within(50, once(echo.stdout, 'data'), late)
    // Long enough for the echo to answer, and for the deadline to pass.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500)

    assert.equal(String(await answer), 'answer')
  } finally {
    echo.kill()
  }
})
