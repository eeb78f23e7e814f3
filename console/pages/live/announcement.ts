import type { Happened } from '@timesale/contracts/console-api'

/**
 * What a screen reader says of all that has happened since it last spoke: one sentence, of the newest that is bad, or else of
 * the newest; and how many more there were. A rush that breaks things would otherwise be talked about for minutes.
 */
export function announcementOf(
  news: readonly Happened[],
  language: string,
): { readonly sentence: string; readonly more: number } | undefined {
  const newestFirst = news.toSorted((one, other) => other.id - one.id)
  const told = newestFirst.find(({ good }) => !good) ?? newestFirst[0]
  if (told === undefined) return undefined
  return { sentence: language === 'ko' ? told.what.ko : told.what.en, more: news.length - 1 }
}
