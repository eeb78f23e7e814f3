import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseCpuTicks } from './cpu-time.ts'

test('the CPU time of a process is its own and that of children it has waited for', () => {
  const stat = '4711 (a (strange) name) S 1 4711 4711 0 -1 4194560 900 800 7 6 100 20 3 4 20 0 11 0 12345 1 2 3'

  assert.equal(parseCpuTicks(stat), 127)
})
