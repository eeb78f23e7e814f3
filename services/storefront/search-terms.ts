import type { ProductChanged } from '@timesale/contracts/product-events'
import type { Static } from 'typebox'

// The initial consonants of Hangul syllables: as keyboards type them (compatibility jamo) and as syllables decompose into
// them (U+1100 and on), in the same order (Unicode, chapter 3.12).
const TYPED_INITIALS = 'ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ'
const FIRST_INITIAL = 0x1100

type ProductName = Static<typeof ProductChanged.schema>['name']

/** In code points, of a term and of what is looked for among them: some thirty syllables. */
const TERM_MAX = 80

/**
 * What a product is found by, in the order of their bytes: the words of both names, those of the Korean one with all that
 * follow, since in Korean spaces between words are often left out; and the initial consonants where these begin in Hangul. Words
 * are in lower case and decomposed, so that a syllable that is still being typed is the beginning of the one that it becomes.
 */
export function searchTerms(name: ProductName): string[] {
  const ko = wordsOf(name.ko)
  const runs = ko.map((_, index) => ko.slice(index).join(''))
  const words = [...runs, ...wordsOf(name.en)]
  const terms = words.flatMap((word) => [word, initialsOf(word)]).filter((term) => term !== '')
  return [...new Set(terms.map(cut))].toSorted((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
}

/** The beginnings that a product must have a term of, each; none where nothing is asked for. Longest first. */
export function searchPrefixes(query: string): string[] {
  const prefixes = wordsOf(query).map((word) =>
    cut(/^[ㄱ-ㅎ]+$/.test(word) ? word : word.replaceAll(/[ㄱ-ㅎ]/g, initialIn)),
  )
  return [...new Set(prefixes)].toSorted((one, other) => other.length - one.length)
}

/** Where a page of a search ends, as a text that says nothing to people. `place` is a term, a space and a product's id. */
export function searchCursor(place: string): string {
  return Buffer.from(place).toString('base64url')
}

/** The place that a cursor stands for; undefined where no page of a search for these beginnings ends there. */
export function searchPlace(cursor: string, [sought]: readonly string[]): string | undefined {
  const place = Buffer.from(cursor, 'base64url').toString()
  const isOne = /^[\p{L}\p{N}\p{M}]+ [A-Za-z0-9._~-]{1,64}$/u.test(place) && searchCursor(place) === cursor
  return isOne && sought !== undefined && place.startsWith(sought) ? place : undefined
}

function wordsOf(text: string): string[] {
  const words =
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{M}]+/gu) ?? []
  return words.map((word) => word.normalize('NFD'))
}

// Those of the Hangul that a word begins with; '' where it does not.
function initialsOf(word: string): string {
  const [hangul = ''] = /^[\u1100-\u1112\u1161-\u1175\u11a8-\u11c2]+/.exec(word) ?? []
  const initials = hangul.replaceAll(/[^\u1100-\u1112]/g, '')
  return initials.replaceAll(/./g, (initial) => TYPED_INITIALS[initial.charCodeAt(0) - FIRST_INITIAL] ?? '')
}

// Not in the middle of a pair of surrogates.
function cut(term: string): string {
  return Array.from(term).slice(0, TERM_MAX).join('')
}

// A consonant behind syllables is the beginning of the next one, which is still being typed.
function initialIn(typed: string): string {
  const index = TYPED_INITIALS.indexOf(typed)
  return index < 0 ? typed : String.fromCharCode(FIRST_INITIAL + index)
}
