import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SOURCES, type Source } from '@timesale/contracts/event'
import { sortOut } from './apply-batch.ts'
import type { ReceivedEvent, Undecodable } from './decode.ts'
import { keyOf, type Position } from './inbox.ts'
import type { ParkedMark } from './parked-events.ts'

test('within a batch each event is judged on top of those before it', () => {
  const consumer = new Consumer()

  const plan = consumer.deliver([order('o', 1), order('p', 1), order('o', 2), order('o', 1), order('o', 3)])

  assert.deepEqual(plan.apply.map(name), ['o.1', 'p.1', 'o.2', 'o.3'])
  assert.deepEqual(plan.duplicates.map(name), ['o.1'])
  assert.deepEqual(
    plan.moves.map(({ aggregateId, from, to }) => [aggregateId, from, to.version]),
    [
      ['o', undefined, 3],
      ['p', undefined, 1],
    ],
  )
})

test('the positions of an earlier batch count', () => {
  const consumer = new Consumer()
  consumer.deliver([order('o', 1), order('o', 2)])

  const plan = consumer.deliver([order('o', 2), order('o', 3)])

  assert.deepEqual(plan.apply.map(name), ['o.3'])
  assert.deepEqual(plan.moves[0]?.from, { version: 2, hash: 'a' })
})

test('an event ahead of its turn is parked, and is applied when the gap is filled', () => {
  const consumer = new Consumer()

  assert.deepEqual(consumer.deliver([order('o', 1), order('o', 3)]).park.map(name), ['o.3'])
  assert.deepEqual(consumer.deliver([order('o', 4), order('p', 1)]).park.map(name), ['o.4'])
  consumer.deliver([order('o', 2)])

  assert.deepEqual(consumer.applied.map(name), ['o.1', 'p.1', 'o.2', 'o.3', 'o.4'])
  assert.deepEqual(consumer.waiting(), [])
})

test('an event that is parked already is a duplicate when it comes again', () => {
  const consumer = new Consumer()
  consumer.deliver([order('o', 2)])

  const plan = consumer.deliver([order('o', 2)])

  assert.deepEqual([plan.park, plan.duplicates.map(name)], [[], ['o.2']])
})

test('a newer state needs none of those before it, and overtakes them', () => {
  const consumer = new Consumer()

  consumer.deliver([product('A', 3), product('A', 1), product('A', 7), product('A', 5)])

  assert.deepEqual(consumer.applied.map(name), ['A.3', 'A.7'])
  assert.deepEqual(consumer.waiting(), [])
})

test('an event that its handler could not apply stays parked when it is delivered again, and those after it queue up', () => {
  const plan = sortOut(
    [order('o', 2), order('o', 3)],
    new Map([[KEY_O, { version: 1, hash: 'a' }]]),
    new Map([[KEY_O, [{ version: 2, hash: 'a', reason: 'handler' }]]]),
  )

  assert.deepEqual(plan.duplicates.map(name), ['o.2'])
  assert.deepEqual(plan.park.map(name), ['o.3'])
  assert.deepEqual([plan.apply, plan.moves], [[], []])
})

test('another body under the version applied last is a conflict, which names the event and keeps its record', () => {
  const consumer = new Consumer()
  consumer.deliver([order('o', 1, 'a')])
  const other = order('o', 1, 'b')

  const plan = consumer.deliver([other])

  assert.deepEqual(plan.apply, [])
  assert.deepEqual(plan.conflicts, [
    { reason: 'id-conflict', message: 'Another body came under /order/orders o.1 before', record: other.record },
  ])
})

test('another body under a version that was applied in the same batch is a conflict', () => {
  const plan = new Consumer().deliver([order('o', 1, 'a'), order('o', 1, 'b'), order('o', 2)])

  assert.deepEqual(plan.apply.map(name), ['o.1', 'o.2'])
  assert.equal(plan.conflicts.length, 1)
})

test('another body under a version that waits behind a gap is a conflict', () => {
  const consumer = new Consumer()
  consumer.deliver([order('o', 3, 'a')])

  const plan = consumer.deliver([order('o', 3, 'b')])

  assert.equal(plan.conflicts.length, 1)
  assert.deepEqual(plan.park, [])
})

test('another body under a version that waits behind a gap is a conflict also in the same batch', () => {
  const plan = new Consumer().deliver([order('o', 3, 'a'), order('o', 3, 'b')])

  assert.deepEqual(plan.park.map(name), ['o.3'])
  assert.equal(plan.conflicts.length, 1)
})

test('the body that waited behind a gap is the one that is applied, not another that comes when its turn has come', () => {
  const consumer = new Consumer()
  consumer.deliver([order('o', 1), order('o', 3, 'a')])

  const plan = consumer.deliver([order('o', 2), order('o', 3, 'b')])

  assert.deepEqual(plan.apply.map(name), ['o.2'])
  assert.equal(plan.conflicts.length, 1)
  assert.deepEqual(
    consumer.applied.map(({ version, hash }) => [version, hash]),
    [
      [1, 'a'],
      [2, 'a'],
      [3, 'a'],
    ],
  )
})

test('another body under a version that its handler could not apply is a conflict, and not applied in its place', () => {
  const plan = sortOut(
    [order('o', 2, 'b')],
    new Map([[KEY_O, { version: 1, hash: 'a' }]]),
    new Map([[KEY_O, [{ version: 2, hash: 'a', reason: 'handler' }]]]),
  )

  assert.deepEqual([plan.apply, plan.moves], [[], []])
  assert.equal(plan.conflicts.length, 1)
})

test('at-least-once delivery in any batches applies each version exactly once and in order', () => {
  fc.assert(
    fc.property(deliveries, cuts, ({ lengths, log }, points) => {
      const consumer = new Consumer()
      for (const batch of cutAt(log, points)) {
        const plan = consumer.deliver(batch)

        assert.deepEqual([plan.park, plan.conflicts], [[], []])
        assert.equal(plan.apply.length + plan.duplicates.length, batch.length)
      }

      for (const [source, aggregateId, length] of lengths) {
        assert.deepEqual(consumer.appliedOf(source, aggregateId), upTo(length))
      }
      const total = lengths.reduce((sum, [, , length]) => sum + length, 0)
      assert.equal(consumer.applied.length, total)
    }),
  )
})

test('a batch that is delivered again as a whole changes nothing', () => {
  fc.assert(
    fc.property(deliveries, cuts, ({ log }, points) => {
      const consumer = new Consumer()
      for (const batch of cutAt(log, points)) {
        consumer.deliver(batch)
        const again = consumer.deliver(batch)

        assert.deepEqual([again.apply, again.park, again.conflicts, again.moves], [[], [], [], []])
      }
    }),
  )
})

test('facts that come in any order are applied in the order of their versions, or wait', () => {
  fc.assert(
    fc.property(shuffledDeliveries(['/order/orders', '/stock/reservations']), cuts, ({ log }, points) => {
      const consumer = new Consumer({ resumes: false })
      for (const batch of cutAt(log, points)) consumer.deliver(batch)

      const seen = new Map(log.map((event) => [`${keyOf(event)} ${event.version}`, event]))
      for (const event of seen.values()) {
        const applied = consumer.appliedOf(event.source, event.aggregateId)
        assert.deepEqual(applied, upTo(applied.length))
        const waits = consumer.waiting().includes(body(event))
        assert.equal(waits, !applied.includes(event.version), `${name(event)} is neither applied nor parked, or both`)
      }
      assert.deepEqual(consumer.conflicts, [])
    }),
  )
})

test('facts that come in any order are all applied once, in order, when those that waited are resumed', () => {
  fc.assert(
    fc.property(shuffledDeliveries(['/order/orders', '/stock/reservations']), cuts, ({ lengths, log }, points) => {
      const consumer = new Consumer()
      for (const batch of cutAt(log, points)) consumer.deliver(batch)

      for (const [source, aggregateId, length] of lengths) {
        assert.deepEqual(consumer.appliedOf(source, aggregateId), upTo(length))
      }
      assert.deepEqual(consumer.waiting(), [])
    }),
  )
})

test('states that come in any order are applied only when they are newer, and the newest of all is the last', () => {
  fc.assert(
    fc.property(shuffledDeliveries(['/product/products']), cuts, ({ lengths, log }, points) => {
      const consumer = new Consumer()
      for (const batch of cutAt(log, points)) assert.deepEqual(consumer.deliver(batch).park, [])

      for (const [source, aggregateId, length] of lengths) {
        const applied = consumer.appliedOf(source, aggregateId)
        assert.deepEqual(
          applied,
          [...new Set(applied)].toSorted((a, b) => a - b),
        )
        assert.equal(applied.at(-1) ?? 0, length)
      }
    }),
  )
})

test('of two bodies under one version only the first is ever applied, and the other never goes unnoticed', () => {
  fc.assert(
    fc.property(forgedDeliveries, cuts, (log, points) => {
      const consumer = new Consumer()
      const parked: ReceivedEvent[] = []
      for (const batch of cutAt(log, points)) {
        const { apply, duplicates, park, conflicts } = consumer.deliver(batch)
        assert.equal(apply.length + duplicates.length + park.length + conflicts.length, batch.length)
        parked.push(...park)
      }

      const versions = consumer.applied.map((event) => `${keyOf(event)} ${event.version}`)
      assert.equal(new Set(versions).size, versions.length)
      for (const event of consumer.applied) {
        const first = log.find((one) => keyOf(one) === keyOf(event) && one.version === event.version)
        assert.equal(event.hash, first?.hash)
      }
      const found = new Set([...consumer.applied.map(body), ...consumer.waiting()])
      for (const event of parked) {
        assert.ok(found.has(body(event)) || consumer.conflicts.some(({ record }) => record === event.record))
      }
    }),
  )
})

const KEY_O = keyOf({ source: '/order/orders', aggregateId: 'o' })

function order(id: string, version: number, hash = 'a'): ReceivedEvent {
  return event('/order/orders', id, version, hash)
}

function product(id: string, version: number, hash = 'a'): ReceivedEvent {
  return event('/product/products', id, version, hash)
}

let offset = 0n

function event(source: Source, aggregateId: string, version: number, hash: string): ReceivedEvent {
  const { ordering } = SOURCES[source]
  const record = { topic: 't', partition: 0, offset: offset++, timestamp: 0n, key: null, value: null, headers: [] }
  return {
    type: 'any',
    source,
    ordering,
    aggregateId,
    version,
    hash,
    time: new Date(0),
    traceparent: undefined,
    definition: undefined,
    data: undefined,
    record,
  }
}

function name({ aggregateId, version }: ReceivedEvent): string {
  return `${aggregateId}.${version}`
}

function body(event: ReceivedEvent): string {
  return `${keyOf(event)} ${event.version} ${event.hash}`
}

function upTo(length: number): number[] {
  return Array.from({ length }, (_, index) => index + 1)
}

type Length = readonly [source: Source, aggregateId: string, length: number]

const sources = fc.constantFrom<Source>('/order/orders', '/stock/reservations', '/product/products')
const cuts = fc.array(fc.nat({ max: 60 }), { maxLength: 8 })

/** How many versions each of some aggregates has. */
function lengthsOf(from: fc.Arbitrary<Source>): fc.Arbitrary<Length[]> {
  return fc.uniqueArray(fc.tuple(from, fc.constantFrom('x', 'y'), fc.integer({ min: 1, max: 6 })), {
    minLength: 1,
    maxLength: 4,
    selector: ([source, aggregateId]) => `${source} ${aggregateId}`,
  })
}

/** As a topic delivers: aggregates interleaved; first deliveries in order, repetitions of what was delivered anywhere. */
const deliveries = fc
  .tuple(
    lengthsOf(sources),
    fc.array(fc.tuple(fc.nat({ max: 100 }), fc.nat({ max: 100 }), fc.boolean()), { maxLength: 50, size: '+1' }),
  )
  .map(([lengths, steps]) => {
    const left = lengths.map(([source, id, length]) => upTo(length).map((version) => event(source, id, version, 'a')))
    const log: ReceivedEvent[] = []
    for (const [pick, back, isNew] of steps) {
      if (isNew) log.push(...(left[pick % left.length]?.splice(0, 1) ?? []))
      // Back to an earlier offset, from where a few are delivered again.
      else log.push(...log.slice(back % (log.length + 1)).slice(0, pick % 5))
    }
    return { lengths, log: [...log, ...left.flat()] }
  })

/** Every version at least once, in any order. */
function shuffledDeliveries(from: readonly Source[]): fc.Arbitrary<{ lengths: Length[]; log: ReceivedEvent[] }> {
  return lengthsOf(fc.constantFrom(...from)).chain((lengths) => {
    const all = lengths.flatMap(([source, id, length]) =>
      upTo(length).map((version) => event(source, id, version, 'a')),
    )
    const again = fc.array(fc.constantFrom(...all), { maxLength: 10 })
    return again
      .chain((more) => fc.shuffledSubarray([...all, ...more], { minLength: all.length + more.length }))
      .map((log) => ({ lengths, log }))
  })
}

/** Few ids, many deliveries, two bodies. */
const forgedDeliveries = fc.array(
  fc
    .tuple(
      fc.constantFrom<Source>('/order/orders', '/product/products'),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom('a', 'b'),
    )
    .map(([source, version, hash]) => event(source, 'x', version, hash)),
  { maxLength: 24, size: '+1' },
)

function cutAt(log: readonly ReceivedEvent[], points: readonly number[]): ReceivedEvent[][] {
  const at = [0, ...points.map((point) => Math.min(point, log.length)).toSorted((a, b) => a - b), log.length]
  return at.slice(1).map((end, index) => log.slice(at[index], end))
}

/** What the consumer's database keeps between batches: positions, what is parked; and, to look at, what was applied. */
class Consumer {
  readonly positions = new Map<string, Position>()
  readonly parked = new Map<string, ReceivedEvent[]>()
  readonly applied: ReceivedEvent[] = []
  readonly conflicts: Undecodable[] = []
  readonly #resumes: boolean

  constructor({ resumes } = { resumes: true }) {
    this.#resumes = resumes
  }

  deliver(batch: readonly ReceivedEvent[]) {
    const plan = this.#judge(batch)
    // Once a gap is filled, what waited behind it comes again, as a batch of its own.
    for (let due = this.#due(); due.length > 0; due = this.#due()) {
      this.#judge(due)
      assert.notDeepEqual(this.#due(), due, 'What waited behind a filled gap is neither applied nor dropped.')
    }
    return plan
  }

  #judge(batch: readonly ReceivedEvent[]) {
    const marks = new Map(
      [...this.parked].map(([key, events]) => [
        key,
        events.map(({ version, hash }): ParkedMark => ({ version, hash, reason: 'gap' })),
      ]),
    )
    const plan = sortOut(batch, this.positions, marks)
    this.applied.push(...plan.apply)
    this.conflicts.push(...plan.conflicts)
    for (const move of plan.moves) {
      const key = keyOf(move)
      assert.deepEqual(move.from, this.positions.get(key))
      this.positions.set(key, move.to)
    }
    for (const one of plan.park) {
      const parked = this.parked.get(keyOf(one)) ?? []
      // The first to come under a version keeps its place, as in parked_events.
      if (!parked.some(({ version }) => version === one.version)) this.parked.set(keyOf(one), [...parked, one])
    }
    for (const key of marks.keys()) {
      const kept = this.parked.get(key)?.filter(({ version }) => version > this.#last(key)) ?? []
      if (kept.length > 0) this.parked.set(key, kept)
      else this.parked.delete(key)
    }
    return plan
  }

  #due(): ReceivedEvent[] {
    if (!this.#resumes) return []
    return [...this.parked].flatMap(([key, events]) => events.filter(({ version }) => version <= this.#last(key) + 1))
  }

  #last(key: string): number {
    return this.positions.get(key)?.version ?? 0
  }

  appliedOf(source: string, aggregateId: string): number[] {
    return this.applied
      .filter((one) => one.source === source && one.aggregateId === aggregateId)
      .map(({ version }) => version)
  }

  /** What is parked and not yet overtaken. */
  waiting(): string[] {
    return [...this.parked].flatMap(([key, events]) =>
      events.filter(({ version }) => version > this.#last(key)).map(body),
    )
  }
}
