import assert from 'node:assert/strict'
import { test } from 'node:test'
import { numbersIn } from './numbers.ts'

test('a time has its date where that is not today’s', () => {
  const now = new Date(2026, 10, 30, 0, 5).getTime()
  const at = (...parts: [day: number, hour: number]): string => new Date(2026, 10, ...parts, 1, 2).toISOString()
  const [english, korean] = ['en', 'ko'].map((language) => numbersIn(language, () => now).time)
  assert.deepEqual([english?.(at(30, 0)), english?.(at(29, 23))], ['00:01:02', 'Nov 29, 2026 23:01:02'])
  assert.deepEqual([korean?.(at(30, 0)), korean?.(at(29, 23))], ['00:01:02', '2026. 11. 29. 23:01:02'])
})
