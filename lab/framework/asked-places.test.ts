import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WrongUsage } from '@timesale/local/commands/command-line'
import { askedPlaces } from './asked-places.ts'

const PLACES = ['01-a', '03-b', '12-c'].map((name) => ({ number: parseInt(name, 10), name, folder: `/lab/${name}` }))

test('experiments are asked for by number or name, come in the order asked for, and each once', () => {
  assert.deepEqual(numbersOf('12', '3'), [12, 3])
  assert.deepEqual(numbersOf('3', '3', '03', '03-b', '1'), [3, 1])
})

test('all of them are asked for with a word that stands alone', () => {
  assert.deepEqual(numbersOf('all'), [1, 3, 12])
  for (const words of [
    ['all', '3'],
    ['3', 'all'],
  ])
    assert.throws(() => numbersOf(...words), new WrongUsage("'all' stands alone, without '3'."))
})

test('one that is not there is told by what there is', () => {
  assert.throws(() => numbersOf('1', '2'), new WrongUsage("There is no experiment '2'. There are: 1, 3, 12."))
})

function numbersOf(...words: string[]): number[] {
  return askedPlaces(PLACES, words).map(({ number }) => number)
}
