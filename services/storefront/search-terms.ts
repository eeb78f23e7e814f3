import type { ProductChanged } from '@timesale/contracts/product-events'
import type { Static } from 'typebox'

// The initial consonants of Hangul syllables: as keyboards type them (compatibility jamo) and as syllables decompose into
// them (U+1100 and on), in the same order (Unicode, chapter 3.12).
const TYPED_INITIALS = 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ'
const FIRST_INITIAL = 0x1100

type ProductName = Static<typeof ProductChanged.schema>['name']

/**
 * What a product is found by: the words of both names, and the initial consonants of those in Hangul. Words are in lower
 * case and decomposed, so that a syllable that is still being typed is the beginning of the one that it becomes.
 */
export function searchTerms(name: ProductName): string[] {
  const words = [...wordsOf(name.ko), ...wordsOf(name.en)]
  return [...new Set(words.flatMap((word) => [word, initialsOf(word)]).filter((term) => term !== ''))]
}

/** The beginnings that a product must have a term of, each; none where nothing is asked for. Longest first. */
export function searchPrefixes(query: string): string[] {
  const prefixes = wordsOf(query).map((word) =>
    /^[ㄱ-ㅎ]+$/.test(word) ? word : word.replaceAll(/[ㄱ-ㅎ]/g, initialIn),
  )
  return [...new Set(prefixes)].toSorted((one, other) => other.length - one.length)
}

function wordsOf(text: string): string[] {
  const words =
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
  return words.map((word) => word.normalize('NFD'))
}

// '' for words that are not in Hangul alone.
function initialsOf(word: string): string {
  if (!/^[\u1100-\u1112\u1161-\u1175\u11a8-\u11c2]+$/.test(word)) return ''
  const initials = word.replaceAll(/[^\u1100-\u1112]/g, '')
  return initials.replaceAll(/./g, (initial) => TYPED_INITIALS[initial.charCodeAt(0) - FIRST_INITIAL] ?? '')
}

// A consonant behind syllables is the beginning of the next one, which is still being typed.
function initialIn(typed: string): string {
  const index = TYPED_INITIALS.indexOf(typed)
  return index < 0 ? typed : String.fromCharCode(FIRST_INITIAL + index)
}
