import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { RawRecord } from './decode.ts'
import { searchLog, type LogSearch, type ReadStretch, type Stretch } from './log-search.ts'

/** Timestamps of each partition's records, in their order; null where a record was compacted away. */
type Log = readonly (readonly (number | null)[])[]

const logs: fc.Arbitrary<Log> = fc.array(
  fc.array(fc.option(fc.nat(20), { freq: 6 }), { maxLength: 400 }).map((steps) => {
    let time = 0
    return steps.map((step) => (step === null ? null : (time += step)))
  }),
  { minLength: 1, maxLength: 12 },
)

test('what is found is what sorting all records would find, in that order', async () => {
  await fc.assert(
    fc.asyncProperty(
      logs,
      fc.constantFrom('newest', 'oldest'),
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 70 }),
      async (log, order, limit, every, chunk) => {
        const isWanted = ({ offset }: RawRecord): boolean => Number(offset) % every === 0
        const all = log.flatMap((_, partition) => recordsOf(log, partition)).filter(isWanted)
        const sorted = all.toSorted(
          (one, other) =>
            Number(one.timestamp - other.timestamp) ||
            one.partition - other.partition ||
            Number(one.offset - other.offset),
        )
        const expected = (order === 'newest' ? sorted.toReversed() : sorted).slice(0, limit).map(nameOf)

        const { found, searched, complete } = await search(
          log,
          { order, limit, take: (one) => (isWanted(one) ? nameOf(one) : undefined) },
          chunk,
        )

        assert.deepEqual(found, expected)
        assert.equal(complete, true)
        assert.ok(searched >= found.length && searched <= log.flat().length)
      },
    ),
    { numRuns: 300 },
  )
})

test('the newest of a long log are found without reading it', async () => {
  const log = Array.from({ length: 6 }, () => Array.from({ length: 20_000 }, (_, index) => index))
  const { found, searched, complete } = await search(log, { order: 'newest', limit: 50, take: nameOf }, 1_000)
  assert.equal(found.length, 50)
  assert.deepEqual(found.slice(0, 2), ['5:19999', '4:19999'])
  assert.ok(complete && searched === 6 * 50, `${searched}`)
})

test('one that finds nothing ends in time, and says that it did not see all', async () => {
  const log = [Array.from({ length: 20_000 }, (_, index) => index)]
  const began = performance.now()
  const { found, searched, complete } = await search(
    log,
    { order: 'newest', limit: 5, take: () => undefined, deadline: began + 50 },
    100,
    5,
  )
  assert.ok(performance.now() - began < 1_000)
  assert.deepEqual([found, complete], [[], false])
  assert.ok(searched > 0 && searched < 20_000)
})

test('one that is cut short in the middle of its last window does not call itself complete', async () => {
  const log = [Array.from({ length: 40 }, (_, index) => index)]
  const { found, complete } = await search(
    log,
    { order: 'newest', limit: 50, take: nameOf, deadline: performance.now() + 30 },
    10,
    20,
  )
  assert.ok(found.length < 40 && !complete, `${found.length}`)
})

function search<Found>(
  log: Log,
  about: Pick<LogSearch<Found>, 'order' | 'limit' | 'take'> & { deadline?: number },
  chunk: number,
  msEach?: number,
): ReturnType<typeof searchLog<Found>> {
  const stretches = log.map((records, partition): Stretch => ({
    topic: 't',
    partition,
    leader: 1,
    from: 0n,
    to: BigInt(records.length),
  }))
  const read: ReadStretch = async ({ partition, from, to }) => {
    if (msEach !== undefined) await new Promise((resolve) => setTimeout(resolve, msEach))
    const upTo = Math.min(Number(from) + chunk, Number(to))
    return {
      records: recordsOf(log, partition).filter(({ offset }) => offset >= from && offset < BigInt(upTo)),
      to: BigInt(upTo),
    }
  }
  return searchLog({ deadline: Number.POSITIVE_INFINITY, ...about, stretches }, read)
}

const made = new WeakMap<Log, RawRecord[][]>()

function recordsOf(log: Log, partition: number): RawRecord[] {
  const known =
    made.get(log) ??
    log.map((timestamps, own) =>
      timestamps.flatMap((timestamp, offset) =>
        timestamp === null ? [] : [{ ...empty, partition: own, offset: BigInt(offset), timestamp: BigInt(timestamp) }],
      ),
    )
  made.set(log, known)
  return known[partition] ?? []
}

const empty = { topic: 't', key: null, value: null, headers: [] }

function nameOf({ partition, offset }: RawRecord): string {
  return `${partition}:${offset}`
}
