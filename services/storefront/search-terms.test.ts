import assert from 'node:assert/strict'
import { test } from 'node:test'
import { searchCursor, searchPlace, searchPrefixes, searchTerms } from './search-terms.ts'

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

test('a Korean name is found without its spaces, from any of its words on', () => {
  for (const query of [
    '무선이어폰',
    '무선이',
    '무선ㅇ',
    'ㅁㅅㅇㅇㅍ',
    '이어폰블랙',
    '무선이어폰블랙',
    'ㅇㅇㅍㅂ',
    '무선이어 cafe',
  ]) {
    assert.equal(isFound(query), true, query)
  }
  for (const query of ['이어폰무선', '무선블랙', '선이어폰', 'wirelesscafe', 'ㅁㅅㅂㄹ'])
    assert.equal(isFound(query), false, query)
  const mixed = searchTerms({ ko: '갤럭시 S24 울트라', en: 'x' })
  for (const query of ['갤럭시s24', '갤럭시S', 's24울', 'ㄱㄹㅅ', 'ㅇㅌㄹ']) {
    assert.ok(
      searchPrefixes(query).every((prefix) => mixed.some((term) => term.startsWith(prefix))),
      query,
    )
  }
})

test('terms stand in the order of their bytes, each once, and are bounded', () => {
  const name = { ko: '가 나 가 나 😀𠮷 ﹅ ｶ', en: '𠮷 ｶ a A a' }
  const terms = searchTerms(name)
  const bytes = terms.map((term) => Buffer.from(term).toString('latin1'))
  assert.deepEqual(bytes, [...new Set(bytes)].toSorted())
  const long = { ko: '가 '.repeat(100), en: '𠮷'.repeat(100) }
  for (const term of searchTerms(long)) {
    assert.ok(Buffer.byteLength(term) <= 320 && term.isWellFormed(), term)
    assert.deepEqual(searchPrefixes(term)[0], term.startsWith('ㄱ') ? term : term.normalize('NFD'))
  }
  assert.ok(searchTerms(long).some((term) => term.startsWith(searchPrefixes('가'.repeat(100))[0] ?? '-')))
})

test('a query without letters or digits asks for nothing', () => {
  assert.deepEqual(searchPrefixes(' !? - '), [])
})

test('the longest beginning comes first, and none twice', () => {
  assert.deepEqual(searchPrefixes('a abc ab a'), ['abc', 'ab', 'a'])
})

test('a cursor is a place of its own search, and nothing else is', () => {
  const prefixes = searchPrefixes('이어폰 무')
  for (const place of [`${prefixes[0]} A1`, `${prefixes[0]}블랙 ~x.y_z-1`]) {
    assert.equal(searchPlace(searchCursor(place), prefixes), place)
  }
  const place = `${prefixes[0]} A1`
  for (const wrong of [
    '무 A1',
    `${prefixes[0]}`,
    ` ${place}`,
    `${place} `,
    `${prefixes[0]}\n A1`,
    `${place}${'x'.repeat(64)}`,
  ]) {
    assert.equal(searchPlace(searchCursor(wrong), prefixes), undefined, wrong)
  }
  const cursor = searchCursor(place)
  for (const wrong of [`${cursor}A`, cursor.slice(1), 'A1', '____', '']) {
    assert.equal(searchPlace(wrong, prefixes), undefined, wrong)
  }
  assert.equal(searchPlace(cursor, []), undefined)
})

function isFound(query: string): boolean {
  const terms = searchTerms(EARPHONES)
  return searchPrefixes(query).every((prefix) => terms.some((term) => term.startsWith(prefix)))
}
