import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { rejectsOnAbort } from './ctrl-c.ts'

test('a Ctrl-C that comes twice, by the terminal and by npm, counts once, and a later one ends the command', async () => {
  const program = `
    import { abortedByCtrlC } from ${JSON.stringify(join(import.meta.dirname, 'ctrl-c.ts'))}
    const signal = abortedByCtrlC(() => new Error('pressed'), () => console.log('once'), 300)
    const press = () => process.kill(process.pid, 'SIGINT')
    press()
    setTimeout(press, 50)
    setTimeout(() => console.log(signal.reason.message), 150)
    setTimeout(press, 500)
    setInterval(() => undefined, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  child.stdout.on('data', (piece: Buffer) => (said += piece.toString()))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]

  assert.deepEqual([said, code, signal], ['once\npressed\n', null, 'SIGINT'])
})

test('who begins to wait after the signal is told as well', async () => {
  const before = new AbortController()
  const waiting = rejectsOnAbort(before.signal)
  before.abort(new Error('pressed'))
  await assert.rejects(waiting, /pressed/)
  await assert.rejects(rejectsOnAbort(before.signal), /pressed/)
})
