import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseCommandLine, wholeNumber, WrongUsage } from './command-line.ts'

const options = { data: { type: 'string' }, yes: { type: 'boolean' } } as const

test('options and words are told apart', () => {
  const { values, words } = parseCommandLine(['stop', '--data', 'x', 'stock', '--yes'], options, 2)
  assert.deepEqual({ ...values }, { data: 'x', yes: true })
  assert.deepEqual(words, ['stop', 'stock'])
})

test('what is not known names itself', () => {
  assert.throws(() => parseCommandLine(['--dota', 'x'], options, 0), wrong(/^Unknown option '--dota'$/))
  assert.throws(() => parseCommandLine(['stop', 'stock', 'order'], options, 2), wrong(/^Unexpected argument 'order'$/))
  assert.throws(() => parseCommandLine(['--data'], options, 2), wrong(/--data/))
  assert.throws(() => parseCommandLine(['--yes=1'], options, 2), wrong(/--yes/))
})

test('a comment that the shell has passed on is none of the arguments', () => {
  const { values, words } = parseCommandLine(['stop', '#', 'three', '--dota'], options, 1)
  assert.deepEqual([{ ...values }, words], [{}, ['stop']])
  assert.deepEqual(parseCommandLine(['#1', 'a#'], options, 2).words, ['#1', 'a#'])
})

test('of an option that is given twice the last one counts, or all do where it may be given more than once', () => {
  assert.equal(parseCommandLine(['--data', 'x', '--data', 'y'], options, 0).values.data, 'y')
  const several = { kill: { type: 'string', multiple: true } } as const
  assert.deepEqual(parseCommandLine(['--kill', 'x', '--kill', 'y'], several, 0).values.kill, ['x', 'y'])
})

test('every command has --help', () => {
  assert.equal(parseCommandLine(['--help'], options, 0).values.help, true)
  assert.equal(parseCommandLine(['-h', 'whatever'], options, 0).values.help, true)
})

test('a number that is none, or out of its range, names its option', () => {
  const range = { min: 0, max: 100 }
  assert.equal(wholeNumber('n', '100', range), 100)
  for (const text of ['', '-1', '1.5', '101', '1e2', '0x1', ' 1', 'one']) {
    assert.throws(() => wholeNumber('n', text, range), wrong(/'--n'/), text)
  }
})

test('a command whose reader has gone ends with it, and says nothing', async () => {
  const program = `
    import { runAndExplain } from ${JSON.stringify(join(import.meta.dirname, 'command-line.ts'))}
    await runAndExplain('', () => new Promise(() => setInterval(() => console.log('line'), 5)))`
  const command = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  command.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
  await once(command.stdout, 'data')
  command.stdout.destroy()
  const [code] = (await once(command, 'close')) as [number | null]
  assert.deepEqual([code, said], [141, ''])
})

function wrong(message: RegExp) {
  return (error: unknown) => error instanceof WrongUsage && message.test(error.message)
}
