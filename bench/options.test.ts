import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WrongUsage } from '@timesale/local/commands/command-line'
import { FIGURES, sidesOf } from './figures/catalogue.ts'
import { readOptions } from './options.ts'

test('without names all figures are measured, three rounds of each', () => {
  const { names, rounds, seconds, json } = readOptions([])

  assert.deepEqual([names.length, rounds, seconds, json], [FIGURES.length, 3, 30, undefined])
})

test('names may come in any order and twice', () => {
  const { names, rounds, json } = readOptions(['relay', 'accept-64', 'relay', '--rounds', '5', '--json', 'out.json'])

  assert.deepEqual([names, rounds, json], [['accept-64', 'relay'], 5, 'out.json'])
})

test('a figure that does not exist, and a number that is none, are errors of usage', () => {
  for (const args of [['accept-65'], ['--rounds', '0'], ['--rounds', 'three'], ['--fast'], ['--sample-ms', '1.5']]) {
    assert.throws(() => readOptions(args), WrongUsage, args.join(' '))
  }
})

test('a figure brings what it is held against', () => {
  const batching = FIGURES.filter(({ name }) => name === 'accept-batching')

  assert.deepEqual([...sidesOf(batching)], ['accept-256', 'one-by-one-256'])
})
