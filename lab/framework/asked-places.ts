import { WrongUsage } from '@timesale/local/commands/command-line'
import type { Place } from './experiments.ts'

/** Each once, however often and in whatever way it is asked for: `3 03` is one experiment. */
export function askedPlaces(places: readonly Place[], words: readonly string[]): readonly Place[] {
  if (!words.includes('all')) return [...new Set(words.map((word) => placeOf(places, word)))]
  const other = words.find((word) => word !== 'all')
  if (other !== undefined) throw new WrongUsage(`'all' stands alone, without '${other}'.`)
  return places
}

function placeOf(places: readonly Place[], word: string): Place {
  const place = places.find(({ number, name }) => String(number) === word.replace(/^0+(?=\d)/, '') || name === word)
  if (place !== undefined) return place
  throw new WrongUsage(`There is no experiment '${word}'. There are: ${places.map(({ number }) => number).join(', ')}.`)
}
