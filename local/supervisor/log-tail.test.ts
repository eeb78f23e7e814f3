import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { lastLines, LogTail } from './log-tail.ts'

test('only what is added is told, in whole lines', async () => {
  await using log = setup('old\n')
  log.append('one\ntw')
  log.tail.poll()
  assert.deepEqual(log.lines, ['one'])
  log.append('o\n')
  log.tail.poll()
  assert.deepEqual(log.lines, ['one', 'two'])
})

test('a letter that is written in two pieces stays whole', async () => {
  await using log = setup('')
  const bytes = Buffer.from('주문\n')
  log.append(bytes.subarray(0, 4))
  log.tail.poll()
  log.append(bytes.subarray(4))
  log.tail.poll()
  assert.deepEqual(log.lines, ['주문'])
})

test('a file that has grown too big is moved, and its writers go on at the beginning', async () => {
  await using log = setup('')
  log.append('first\n')
  log.tail.poll()
  log.tail.rotate(5)
  log.append('second\n')
  log.tail.poll()
  assert.deepEqual(log.lines, ['first', 'second'])
  assert.equal(readFileSync(log.path, 'utf8'), 'second\n')
  assert.equal(readFileSync(`${log.path}.1`, 'utf8'), 'first\n')
})

test('a file that is not there yet is followed from its beginning', async () => {
  await using log = setup(undefined)
  log.tail.poll()
  log.append('one\n')
  log.tail.poll()
  assert.deepEqual(log.lines, ['one'])
})

test('the last lines are those at the end', async () => {
  await using log = setup('a\nb\nc\n')
  assert.deepEqual(lastLines(log.path, 2), ['b', 'c'])
  assert.deepEqual(lastLines(log.path, 2, 4), ['c'])
  assert.deepEqual(lastLines(log.path, 0), [])
  assert.deepEqual(lastLines(join(log.path, 'nowhere'), 2), [])
})

function setup(content: string | undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'log-tail-'))
  const path = join(folder, 'part.log')
  if (content !== undefined) writeFileSync(path, content)
  const lines: string[] = []
  return {
    path,
    lines,
    tail: new LogTail(path, (line) => lines.push(line)),
    append: (text: string | Uint8Array) => appendFileSync(path, text),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}
