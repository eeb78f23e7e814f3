import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chart, median, shown } from './chart.ts'
import { faultsOf, type Outcome } from './experiment.ts'
import { linesOf } from './result.ts'

const same = (text: string) => ({ en: text, ko: text })
const GOOD: Outcome = {
  claims: [{ text: same('a holds'), holds: true, because: '2 of 2' }],
  figures: [{ title: same('speed'), unit: 'x/s', bars: [{ side: same('a <b>'), values: [3, 1, 2] }] }],
  work: { 'records read': 2 },
}

test('an outcome stands where each claim holds and work was done', () => {
  assert.deepEqual(faultsOf(GOOD), [])
})

test('it does not where a claim fails, and the numbers are told', () => {
  const claims = [...GOOD.claims, { text: same('b holds'), holds: false, because: '1 of 2' }]
  assert.deepEqual(faultsOf({ ...GOOD, claims }), ['not reproduced here: b holds (1 of 2)'])
})

test('it does not where nothing was claimed, counted or done, whatever else it says', () => {
  assert.deepEqual(faultsOf({ ...GOOD, claims: [] }), ['nothing was claimed'])
  assert.deepEqual(faultsOf({ ...GOOD, work: {} }), ['no work was counted'])
  for (const count of [0, -1, Number.NaN])
    assert.deepEqual(faultsOf({ ...GOOD, work: { rows: count } }), [`no work was done: rows: ${count}`])
})

test('the middle of values is the median, and figures are told with their range', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1]), 2.5)
  assert.deepEqual([shown(12_345.6), shown(12.34), shown(0.123), shown(0)], ['12,346', '12.3', '0.12', '0'])
  assert.deepEqual(linesOf(GOOD), [
    '- ✔ a holds: 2 of 2',
    '- speed (x/s): a <b> 2 [1 to 3]',
    '- counted: records read 2',
  ])
})

test('a chart shows each bar with its median, and is SVG whatever the words are', () => {
  const svg = chart(GOOD.figures, 'ko')
  assert.match(svg, /^<svg [\s\S]*<\/svg>\n$/)
  assert.ok(svg.includes('a &lt;b&gt;') && svg.includes('>2<'))
  assert.equal(svg.match(/<line /g)?.length, 1)
  assert.ok(
    !chart([{ title: same('none'), unit: 'x', bars: [{ side: same('a'), values: [0] }] }], 'en').includes('NaN'),
  )
})
