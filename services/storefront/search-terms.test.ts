import assert from 'node:assert/strict'
import { test } from 'node:test'
import { searchPrefixes, searchTerms } from './search-terms.ts'

const EARPHONES = { ko: '무선 이어폰 (블랙)', en: 'Wireless Café-Earphones 2' }

test('a product is found by beginnings of its words, in Korean and in English', () => {
  for (const query of ['무선', '무', '이어', '이어폰 무선', 'WIRE', 'wireless ear', '2', 'Cafe', 'café', '블랙!']) {
    assert.equal(isFound(query), true, query)
  }
  for (const query of ['선', '어폰', 'less', 'ireless', 'wireless 폰', '3', 'cafés']) {
    assert.equal(isFound(query), false, query)
  }
})

test('a query that is typed in another normal form finds the same', () => {
  assert.equal(isFound('이어폰'.normalize('NFD')), true)
  assert.deepEqual(searchTerms({ ko: EARPHONES.ko.normalize('NFD'), en: 'x' }), searchTerms({ ...EARPHONES, en: 'x' }))
})

test('a Korean word is found by initial consonants, and while it is being typed', () => {
  for (const query of ['ㅁㅅ', 'ㅇㅇㅍ', 'ㅇ', 'ㅂㄹ ㅁ', '무ㅅ', '이어ㅍ', '이어포']) {
    assert.equal(isFound(query), true, query)
  }
  for (const query of ['ㅅ', 'ㅁㅇ', '무ㅇ', '모']) assert.equal(isFound(query), false, query)
})

test('a query without letters or digits asks for nothing', () => {
  assert.deepEqual(searchPrefixes(' !? - '), [])
})

test('the longest beginning comes first, and none twice', () => {
  assert.deepEqual(searchPrefixes('a abc ab a'), ['abc', 'ab', 'a'])
})

function isFound(query: string): boolean {
  const terms = searchTerms(EARPHONES)
  return searchPrefixes(query).every((prefix) => terms.some((term) => term.startsWith(prefix)))
}
