import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { isDeepStrictEqual, stripVTControlCharacters } from 'node:util'
import fc from 'fast-check'
import { arrivalMs, comesMs, planOf, USUAL_MIX, type Plan } from './buyer-plan.ts'
import { classOf, pauseMs } from './buyers.ts'
import { Latency } from './latency.ts'
import type { Figures } from './buyers.ts'
import { percentiles, shortView, wholeView, type Moment } from './live-view.ts'
import { verdictText } from './report.ts'
import { saleMs } from './sale-shop.ts'
import { folded, Screen, widthOf } from './screen.ts'

const options = { seed: 7, name: 's', products: ['A', 'B'], mix: USUAL_MIX, cancelUntil: 5_000 }
const plans = Array.from({ length: 10_000 }, (_none, index) => planOf(index + 1, options))

test('the same seed makes the same buyers, another one others', () => {
  const again = Array.from({ length: 10_000 }, (_none, index) => planOf(index + 1, options))
  const others = Array.from({ length: 10_000 }, (_none, index) => planOf(index + 1, { ...options, seed: 8 }))

  assert.equal(differing(again), 0)
  assert.ok(plans.filter((plan, index) => plan.quantity !== others[index]?.quantity).length > 4_000)
})

test('buyers are as the mix says', () => {
  const share = (is: (plan: (typeof plans)[number]) => boolean): number => plans.filter(is).length / plans.length
  const near = (is: number, wanted: number): void => assert.ok(Math.abs(is - wanted) < 0.02, `${is} is not ${wanted}`)

  for (const name of ['doubleClick', 'repeat', 'otherBody'] as const)
    near(
      share((plan) => plan[name]),
      USUAL_MIX[name],
    )
  near(
    share(({ cancel }) => cancel),
    USUAL_MIX.cancel / 2,
  )
  near(
    share(({ productId }) => productId === 'A'),
    0.5,
  )
  near(
    share(({ quantity }) => quantity === 1),
    0.6,
  )
  near(
    share(({ quantity }) => quantity === 3),
    0.1,
  )
  assert.ok(plans.slice(5_000).every(({ cancel }) => !cancel))
})

test('the first buyer takes one unit and keeps it, whatever the seed', () => {
  const all = { doubleClick: 1, repeat: 1, otherBody: 1, cancel: 1, greedy: 1, look: 1 }
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const { quantity, cancel } = planOf(1, { ...options, seed, mix: all })
      assert.deepEqual([quantity, cancel], [1, false])
    }),
  )
})

test('buyers come one after the other, each in a slot of their own, whatever the rate', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1e6 }),
      fc.integer({ min: 1, max: 50_000 }),
      fc.nat(),
      (number, rate, seed) => {
        const at = arrivalMs(number, rate, seed)
        assert.ok(at >= ((number - 1) * 1000) / rate && at < (number * 1000) / rate)
      },
    ),
  )
})

test('some buyers come four times, and are the same buyer each time', () => {
  const orders = [...Map.groupBy(plans, ({ buyerId }) => buyerId).values()]

  assert.deepEqual(new Set(orders.map(({ length }) => length)), new Set([1, 4]))
  const greedy = orders.filter(({ length }) => length === 4)
  assert.ok(Math.abs((greedy.length * 4) / plans.length - USUAL_MIX.greedy) < 0.02, `${greedy.length}`)
  assert.equal(new Set(plans.map(({ orderId }) => orderId)).size, plans.length)
})

test('buyers who share accounts use all of them alike', () => {
  const accounts = Array.from({ length: 50 }, (_none, index) => `account-${index + 1}`)
  const shared = plans.map((_plan, index) => planOf(index + 1, { ...options, accounts }))
  const orders = Map.groupBy(shared, ({ buyerId }) => buyerId)

  assert.deepEqual([...orders.keys()].toSorted(), accounts.toSorted())
  assert.ok([...orders.values()].every(({ length }) => length > 150 && length < 250))
  assert.equal(differing(shared.map((plan, index) => ({ ...plan, buyerId: plans[index]?.buyerId ?? '' }))), 0)
})

test('of a sale that opens later some come before, all others from then on', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1_000 }),
      fc.integer({ min: 0, max: 10_000 }),
      fc.integer({ min: 0, max: 200 }),
      fc.nat(),
      (rate, opensInMs, early, seed) => {
        const come = Array.from({ length: 400 }, (_none, index) => comesMs(index + 1, rate, seed, { opensInMs, early }))
        assert.deepEqual(
          come,
          come.toSorted((one, other) => one - other),
        )
        assert.ok(come.slice(0, early).every((ms) => ms >= 0 && (ms < opensInMs || opensInMs === 0)))
        const others = come.slice(early).map((ms, index) => Math.abs(ms - opensInMs - arrivalMs(index + 1, rate, seed)))
        assert.ok(others.every((off) => off < 1e-6))
      },
    ),
  )
})

test('a time sale outlasts its buyers, however slowly they come', () => {
  assert.equal(saleMs(20_000), 3_600_000)
  assert.equal(saleMs(3 * 3_600_000), 6 * 3_600_000)
})

test('who is too early comes again when the sale begins, and not before', () => {
  for (const random of [0, 0.5, 0.99]) {
    const pause = pauseMs({ retryAfterMs: undefined, startsInMs: 1_234 }, 9, random)
    assert.ok(pause >= 1_234 && pause < 1_334)
  }
})

test('an answer says what is known of its effect', () => {
  const is = (status: number, refused = false): string => classOf({ status, refused })

  assert.deepEqual([is(202), is(200)], ['ok', 'ok'])
  assert.deepEqual([is(409, true), is(422), is(400), is(404), is(429), is(503, true)], Array(6).fill('fail'))
  assert.deepEqual([is(0), is(500), is(502), is(503), is(504), is(408)], Array(6).fill('info'))
})

test('a buyer waits as long as the shop asks for, and no two of them alike', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 60 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (seconds, random) => {
      const pause = pauseMs({ retryAfterMs: seconds * 1000 }, 3, random)
      assert.ok(pause >= seconds * 1000 && pause <= seconds * 1500 + 100)
    }),
  )
  assert.notEqual(pauseMs({ retryAfterMs: 1000 }, 0, 0.1), pauseMs({ retryAfterMs: 1000 }, 0, 0.9))
  assert.ok(pauseMs({ retryAfterMs: undefined }, 50, 0.9) <= 3_000)
})

test('percentiles are exact to a hundredth', () => {
  const latency = new Latency()
  assert.equal(latency.percentiles, undefined)
  for (let ms = 1; ms <= 1000; ms += 1) latency.record(ms)
  const { p50 = 0, p99 = 0, max = 0 } = latency.percentiles ?? {}

  assert.ok(Math.abs(p50 - 500) < 5 && Math.abs(p99 - 990) < 10 && Math.abs(max - 1000) < 10, `${p50} ${p99} ${max}`)
  assert.equal(percentiles({ p50: 3.14, p99: 12_345, max: 0 }), 'p50 3.1 ms, p99 12.3 s')
})

test('a row that is too long for the terminal goes on in the next line, below what it says', () => {
  assert.deepEqual(folded('lag         order 0, stock 12', 80), ['lag         order 0, stock 12'])
  assert.deepEqual(folded('lag         order 0, stock 12, product 345, notification 6', 40), [
    'lag         order 0, stock 12,',
    '            product 345, notification 6',
  ])
  assert.deepEqual(folded('lag         \u001B[31morder 1, stock 2\u001B[39m', 21), [
    'lag         \u001B[31morder 1,',
    '            stock 2\u001B[39m',
  ])
  assert.deepEqual(folded('lag         a-word-that-is-too-long', 20), ['lag', '            a-word-'])
})

test('the view fits into 80 columns and into 60, whatever the lag, and nothing of it is lost', () => {
  const lags = {
    order: 12_345,
    stock: 67_890,
    product: 1,
    notification: 23_456,
    analytics: 123_456,
    storefront: 98_765,
  }
  const moment = momentOf(lags)
  for (const columns of [80, 60]) {
    const lines = wholeView(moment).flatMap((row) => folded(row, columns))
    assert.ok(lines.every((line) => widthOf(line) < columns))
    const words = (text: readonly string[]): string => stripVTControlCharacters(text.join(' ')).replace(/\s+/g, ' ')
    assert.equal(words(lines), words(wholeView(moment)))
  }
})

test('the view says all that is to be seen of a sale, in its rows and in one line', () => {
  const moment = momentOf({ order: 12_345, stock: 0 })
  const plain = (text: string): string => stripVTControlCharacters(text).replace(/\s+/g, ' ').trim()
  const rows = wholeView(moment).map(plain)
  for (const row of [
    'time 21.9 s',
    'accepted 8,574 orders, 1,000/s',
    '736 confirmed, 7,571 rejected, 267 cancelled, 1,234 undecided',
    'turned away 9,476 sold out at the door, 1,950 over the limit of a buyer, 950 too early',
    'trouble 12,345 503, 23,456 429, 1,234 without an answer, 812 buyers wait',
    'to answer p50 9,405 ms, p99 12.2 s',
    'to outcome p50 9,405 ms, p99 12.2 s',
    'lag order 12,345, stock 0',
  ])
    assert.ok(rows.includes(row), `${row} is not in\n${rows.join('\n')}`)
  assert.match(rows.join('\n'), /arrived █+ 20,000 of 20,000 buyers\nsold █+ 1,000 of 1,000 units/)
  assert.match(rows.at(-1) ?? '', /^parts 0 of 4 parts are up, stock restarting, .*, killed: stock, redis, kafka-1/)
  const line = plain(shortView(moment))
  for (const word of ['accepted 8,574 (1,000/s)', 'confirmed 736', 'sold 1,000/1,000', 'lag order 12,345, stock 0'])
    assert.ok(line.includes(word), `${word} is not in ${line}`)
  const none = { ...moment.sight, lags: undefined, parts: undefined, unitsSold: undefined }
  const blind = wholeView({ ...moment, sight: none })
    .map(plain)
    .join('\n')
  assert.match(blind, /\? of 1,000 units[^]*lag Kafka does not answer\nparts the supervisor does not answer/)
})

test('a terminal that does not say how wide it is counts as 80 columns wide', () => {
  const terminal = (isTTY: boolean, columns: number): Screen =>
    new Screen(Object.assign(new PassThrough(), { isTTY, columns }) as unknown as NodeJS.WriteStream)
  assert.deepEqual([terminal(true, 0).columns, terminal(true, 60).columns], [80, 60])
  assert.equal(terminal(false, 60).columns, Infinity)
})

test('the verdict is a table, and where there is no room for one a line for each rule', () => {
  const rule = 'no accepted order is lost'
  const finding = { rule, holds: true, says: '8,574 accepted, 8,574 found', count: 0, offenders: [] }
  const { figures, sight } = momentOf({})
  const result = { productId: 'P', figures, sight, kills: [], rushSeconds: 1, restSeconds: 0, findings: [finding] }
  const text = (columns?: number): string => stripVTControlCharacters(verdictText(result, columns))

  assert.match(text(), /│ ✔ │ no accepted order is lost │ 8,574 accepted, 8,574 found │/)
  assert.equal(text(64), text())
  assert.match(text(60), /^✔ no accepted order is lost: 8,574 accepted, 8,574 found\nAnswer/)
})

/** Counted here, since the difference of two lists of this length takes node:assert minutes to show. */
function differing(others: readonly Plan[]): number {
  return plans.filter((plan, index) => !isDeepStrictEqual(plan, others[index])).length
}

function momentOf(lags: Readonly<Record<string, number>>): Moment {
  const none = { p50: 9_405, p99: 12_200, max: 12_200 }
  const figures: Figures = {
    ...{ arrived: 20_000, accepted: 8_574, turnedAway: 11_426, waiting: 812, gaveUp: 0, attempts: 31_000 },
    ...{ byClass: { ok: 1, fail: 1, info: 1 }, unavailable: 12_345, overloaded: 0, noAnswer: 1_234, limited: 23_456 },
    ...{ repeatsConfirmed: 814, reusesRefused: 231, shown: 0, hidden: 0, cancelled: 267, tooEarly: 950 },
    ...{ overLimit: 1_950, unexpected: 0, exposed: 0, answerMs: none },
  }
  const sight = {
    ...{ confirmed: 736, rejected: 7_571, cancelled: 267, undecided: 1_234, outcomeMs: none, unitsSold: 1_000, lags },
    parts: ['stock', 'redis', 'kafka-1', 'postgres-order'].map((name) => ({ name, state: 'restarting' })),
  }
  const about = { seconds: 21.9, units: 1_000, buyers: 20_000, acceptedPerSecond: 1_000 }
  return { ...about, figures, sight, killed: ['stock', 'redis', 'kafka-1', 'postgres-order'] }
}
