import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'

test('whoever is told to stop finishes what he has to, and only then is gone', async () => {
  const { output, code } = await runAndStop(`
    await run('nobody', async () => {
      const server = setInterval(() => undefined, 1_000)
      process.stdout.write('started;')
      return {
        async stop() {
          await sleep(200)
          clearInterval(server)
          process.stdout.write('finished;')
        },
      }
    })`)

  assert.deepEqual([output, code], ['started;finished;', 0])
})

/** Sends SIGTERM when the program has said something. */
async function runAndStop(program: string): Promise<{ output: string; code: number | null }> {
  const imports = `
    import { setTimeout as sleep } from 'node:timers/promises'
    import { run } from '${new URL('run.ts', import.meta.url).href}'`
  const args = ['--input-type=module', '--eval', `${imports}\n${program}`]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (data: Buffer) => {
    if (output === '') child.kill('SIGTERM')
    output += data.toString()
  })
  await once(child, 'close')
  return { output, code: child.exitCode }
}
