import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { chart, median, shown } from './chart.ts'
import { faultsOf, type Outcome } from './experiment.ts'
import { findExperiments } from './experiments.ts'
import { keepResult, readResult, type Result } from './result.ts'
import { linesOf, resultsPage } from './results-page.ts'

/** One that no name of a part, no unit and no statement has in it. */
const ENGLISH_WORD = /\b(the|of|and|or|in|on|to|with|without|for|from|by|against|times|not)\b/i

const same = (text: string) => ({ en: text, ko: text })
const GOOD: Outcome = {
  claims: [{ text: same('a holds'), holds: true, because: same('2 of 2') }],
  figures: [{ title: same('speed'), unit: same('x/s'), bars: [{ side: same('a <b>'), values: [3, 1, 2] }] }],
  work: [{ what: { en: 'records read', ko: '읽은 레코드' }, count: 2 }],
}

test('an outcome stands where each claim holds and work was done', () => {
  assert.deepEqual(faultsOf(GOOD, 119), [])
})

test('it does not where a claim fails, and the numbers are told', () => {
  const claims = [...GOOD.claims, { text: same('b holds'), holds: false, because: same('1 of 2') }]
  assert.deepEqual(englishFaultsOf({ ...GOOD, claims }), ['not reproduced here: b holds (1 of 2)'])
})

test('it does not where nothing was claimed, counted or done, whatever else it says', () => {
  assert.deepEqual(englishFaultsOf({ ...GOOD, claims: [] }), ['nothing was claimed'])
  assert.deepEqual(englishFaultsOf({ ...GOOD, work: [] }), ['no work was counted'])
  for (const count of [0, -1, Number.NaN])
    assert.deepEqual(englishFaultsOf({ ...GOOD, work: [{ what: same('rows'), count }] }), [
      `no work was done: rows: ${count}`,
    ])
})

test('it does not where it took longer than is promised', () => {
  assert.deepEqual(englishFaultsOf(GOOD, 121), ['it took 121 s, and may take 120'])
})

test('the middle of values is the median, and figures are told with their range', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1]), 2.5)
  assert.deepEqual([shown(12_345.6), shown(12.34), shown(0.123), shown(0)], ['12,346', '12.3', '0.12', '0'])
  assert.deepEqual(linesOf(GOOD, 'en'), [
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
    !chart([{ title: same('none'), unit: same('x'), bars: [{ side: same('a'), values: [0] }] }], 'en').includes('NaN'),
  )
})

test('a page of results is in one language, and of a run that failed it says why', () => {
  const machine = { cpu: 'c', cores: 2, memoryGiB: 8, system: 's', node: 'v24', commit: 'abc', isChanged: true }
  const ran = { ...{ at: '2026-11-29T10:00:00Z', seconds: 9 }, machine }
  const good: Result = { ...GOOD, ...ran, question: { en: 'what?', ko: '무엇?' }, faults: [] }
  const failed: Result = { ...good, claims: [], figures: [], work: [], faults: [{ en: 'too late', ko: '너무 늦음' }] }
  const entries = [good, failed].map((result) => ({ name: '01-x', result }))
  const [en, ko] = [resultsPage(entries, 'en'), resultsPage(entries, 'ko')]
  assert.match(en, /## \[what\?\]\(01-x\/README\.md\)\n\nReproduced on 2026-11-29 in 9 s; .* commit abc with changes\./)
  assert.match(en, /\*\*Not reproduced\*\* on 2026-11-29 .*: too late\./)
  assert.match(ko, /## \[무엇\?\]\(01-x\/README\.ko\.md\)\n\n재현됨: 2026-11-29, 9초; /)
  assert.match(ko, /\*\*재현되지 않음\*\*: .* 이유: 너무 늦음\./)
  assert.equal(ko.match(/- 센 것: 읽은 레코드 2/g)?.length, 1)
})

test('what the kept results say in Korean is Korean', async () => {
  for (const { name, folder } of await findExperiments()) {
    const result = await readResult(folder, assert.fail)
    assert.ok(result !== undefined, `${name} has no result`)
    const texts = [
      ...result.claims.flatMap(({ text, because }) => [text, because]),
      ...result.figures.flatMap(({ title, unit, bars }) => [title, unit, ...bars.map(({ side }) => side)]),
      ...result.work.map(({ what }) => what),
    ]
    for (const { ko } of texts) assert.doesNotMatch(ko, ENGLISH_WORD, name)
  }
})

test('a result is read as it was kept, also one that came to no number', async () => {
  await inFolder(async (folder) => {
    assert.equal(await readResult(folder, assert.fail), undefined)
    const kept = await keepResult(
      folder,
      same('what?'),
      { ...GOOD, work: [{ what: same('rows'), count: Number.NaN }] },
      9,
    )
    assert.deepEqual(await readResult(folder, assert.fail), kept)
    assert.deepEqual(readdirSync(folder).sort(), ['result.json', 'result.ko.svg', 'result.svg'])
  })
})

test('one that is broken counts as none, and what is wrong with it is told', async () => {
  await inFolder(async (folder) => {
    await keepResult(folder, same('what?'), GOOD, 9)
    const file = join(folder, 'result.json')
    const whole = readFileSync(file, 'utf8')
    for (const broken of [
      whole.slice(0, whole.length / 2),
      '',
      'no JSON',
      '{}',
      'null',
      '[]',
      whole.replace('"en"', '"e"'),
    ]) {
      writeFileSync(file, broken)
      const told: string[] = []
      assert.equal(await readResult(folder, (why) => told.push(why)), undefined, broken)
      assert.equal(told.length, 1, broken)
    }
  })
})

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'timesale-lab-test-'))
  try {
    await work(folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function englishFaultsOf(outcome: Outcome, seconds = 1): string[] {
  return faultsOf(outcome, seconds).map(({ en }) => en)
}
