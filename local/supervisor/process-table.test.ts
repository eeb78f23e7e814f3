import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  findProcess,
  isAlive,
  parsePs,
  parsePss,
  parseStat,
  processTree,
  treeOf,
  type ProcessRow,
} from './process-table.ts'

test('a name with blanks and parentheses does not shift the fields', () => {
  const row = parseStat(
    '42 (tmux: (1) x) S 7 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1000 10 18446744073709551615',
  )
  assert.equal(row?.pid, 42)
  assert.equal(row?.parent, 7)
  assert.equal(row?.name, 'tmux: (1) x')
  assert.equal(row?.zombie, false)
  assert.match(row?.startTime ?? '', /:98765$/)
})

test('a dead process that nobody has reaped counts as gone', () => {
  assert.equal(parseStat('42 (java) Z 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 0 0 0')?.zombie, true)
})

test('half a line is no process', () => {
  assert.equal(parseStat('42 (java) S 1'), undefined)
  assert.equal(parseStat(''), undefined)
})

test('the answer of ps is read with its date of five words', () => {
  const rows = parsePs(
    '  501     1 S    Fri Nov 21 09:25:36 2026     /usr/sbin/distnoted agent\n  502   501 Z+   Fri Nov  7 09:25:37 2026     (java)\n',
  )
  assert.deepEqual(rows, [
    { pid: 501, parent: 1, zombie: false, startTime: 'Fri Nov 21 09:25:36 2026', name: '/usr/sbin/distnoted agent' },
    { pid: 502, parent: 501, zombie: true, startTime: 'Fri Nov  7 09:25:37 2026', name: '(java)' },
  ])
})

test('a tree holds all generations, parents first, and no dead', () => {
  const rows = [row(1, 0), row(20, 10), row(10, 1), row(30, 20), row(40, 1), { ...row(50, 10), zombie: true }]
  assert.deepEqual(
    treeOf(10, rows).map(({ pid }) => pid),
    [10, 20, 30],
  )
  assert.deepEqual(treeOf(99, rows), [])
})

test('PSS is read in bytes', () => {
  assert.equal(parsePss('Rss:  100 kB\nPss:                2048 kB\nPss_Dirty:  7 kB\n'), 2048 * 1024)
  assert.equal(parsePss(''), 0)
})

test('this process finds itself, and nothing that started at another time', () => {
  const self = findProcess(process.pid)
  assert(self)
  assert.equal(self.parent, process.ppid)
  assert(isAlive(self))
  assert(!isAlive({ ...self, startTime: 'another' }))
  assert.deepEqual(processTree({ ...self, startTime: 'another' }), [])
})

function row(pid: number, parent: number): ProcessRow {
  return { pid, parent, zombie: false, name: 'x', startTime: 'x' }
}
