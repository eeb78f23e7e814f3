import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { EVENTS } from '@timesale/contracts/catalogue'
import { fact, type Fact } from '@timesale/contracts/event'
import { OrderCancelled, OrderConfirmed, OrderPlaced } from '@timesale/contracts/order-events'
import { ProductChanged } from '@timesale/contracts/product-events'
import { Refusal } from '@timesale/contracts/refusals'
import { Database } from '@timesale/postgres/database'
import { isInfrastructure } from '@timesale/postgres/errors'
import type { Tx } from '@timesale/postgres/sql'
import { startInfrastructure, type Infrastructure } from '@timesale/testkit/infrastructure'
import { recordOf } from '@timesale/testkit/records'
import fc from 'fast-check'
import { applyBatch, resumeParked, type Apply } from './apply-batch.ts'
import { createDecoder, type RawRecord, type ReceivedEvent } from './decode.ts'
import { isInboxRaced, movePositions } from './inbox.ts'
import { readLines } from './outbox-lines.ts'

// Ordinary batches are presumed to be in turn, and nothing is looked up for them. Whatever that does must be what is
// done when every event is judged, which a record that waits (of an order that nobody else speaks of) is enough for.

describe('an ordinary batch', () => {
  test('is applied without a look at where its orders stand', async () => {
    const { presumed } = setup()
    await presumed.deliver([order('a', 1), order('b', 1), order('a', 2), order('b', 2)])
    await presumed.deliver([order('a', 3), order('c', 1)])

    assert.deepEqual(await presumed.effects(), ['a.1', 'b.1', 'a.2', 'b.2', 'a.3', 'c.1'])
    assert.deepEqual(await presumed.positions(), ['a.3', 'b.2', 'c.1'])
    assert.deepEqual(presumed.looks, [])
    assert.deepEqual(presumed.outcomes, [
      'applied a.1',
      'applied b.1',
      'applied a.2',
      'applied b.2',
      'applied a.3',
      'applied c.1',
    ])
    assert.equal(presumed.attempts, 2)
  })

  test('tells its facts once, and of nothing where there are none', async () => {
    const { presumed } = setup()
    await presumed.deliver([order('a', 1), order('b', 1)])
    assert.deepEqual(await presumed.facts(), ['a.1', 'b.1'])
    assert.equal(presumed.told, 1)
    await presumed.deliver([order('a', 2)])
    assert.equal(presumed.told, 1)
  })

  test('is judged while something is set aside, and presumed again afterwards', async () => {
    const { presumed } = setup()
    await presumed.deliver([order('a', 1), order('a', 3)])
    assert.ok(presumed.looks.length > 0)
    presumed.looks.length = 0
    await presumed.deliver([order('b', 1)])
    assert.equal(presumed.looks.length, 1)
    await presumed.deliver([order('a', 2)])
    assert.deepEqual(await presumed.effects(), ['a.1', 'b.1', 'a.2', 'a.3'])
    presumed.looks.length = 0
    await presumed.deliver([order('b', 2)])
    assert.deepEqual(presumed.looks, [])
  })
})

describe('a batch that is delivered again', () => {
  test('changes nothing, and none of it is parked or sent away', async () => {
    const { presumed } = setup()
    const batch = [order('a', 1), order('b', 1), order('a', 2)]
    await presumed.deliver(batch)
    presumed.outcomes.length = 0
    await presumed.deliver(batch)

    assert.deepEqual(presumed.outcomes, ['duplicate a.1', 'duplicate b.1', 'duplicate a.2'])
    assert.deepEqual(await presumed.parked(), [])
    assert.deepEqual(await presumed.effects(), ['a.1', 'b.1', 'a.2'])
    assert.deepEqual(await presumed.facts(), ['a.1', 'b.1'])
  })

  test('to a handler that would bear it, and tells its facts again, changes nothing either', async () => {
    const { presumed } = setup({ bearsRepeats: true })
    const ids = Array.from({ length: 50 }, (_, index) => `o-${String(index).padStart(2, '0')}`)
    const batches = [
      ids.map((id) => order(id, 1)),
      // Some of them are at their second version by now, and some begin.
      ids.flatMap((id, index) => (index % 2 === 0 ? [order(id, 2)] : [order(`new-${id}`, 1)])),
    ]
    for (const batch of batches) await presumed.deliver(batch)
    const told = await presumed.facts()
    presumed.outcomes.length = 0
    for (const batch of batches) await presumed.deliver(batch)

    assert.deepEqual(new Set(presumed.outcomes.map((outcome) => outcome.split(' ')[0])), new Set(['duplicate']))
    assert.deepEqual(await presumed.facts(), told)
  })

  test('in part, with new events behind, has only the new ones applied', async () => {
    const { presumed } = setup()
    await presumed.deliver([order('a', 1), order('a', 2), order('b', 1)])
    await presumed.deliver([order('a', 2), order('a', 3), order('b', 1), order('b', 2), order('c', 1)])

    assert.deepEqual(await presumed.parked(), [])
    assert.deepEqual(await presumed.effects(), ['a.1', 'a.2', 'b.1', 'a.3', 'b.2', 'c.1'])
  })

  test('in its middle only, is no reason to apply what comes after a gap', async () => {
    const { presumed } = setup()
    await presumed.deliver([order('a', 1)])
    await presumed.deliver([order('a', 3), order('a', 4)])

    assert.deepEqual(await presumed.effects(), ['a.1'])
    assert.deepEqual(await presumed.parked(), ['a.3 gap', 'a.4 gap'])
    assert.deepEqual(await presumed.positions(), ['a.1'])
  })
})

test('whatever is delivered, presuming comes to the same as judging', async () => {
  await fc.assert(
    fc.asyncProperty(logs, fc.boolean(), async (batches, bearsRepeats) => {
      const consumers = setup({ bearsRepeats })
      await using presumed = consumers.presumed
      await using judged = consumers.judged
      await judged.setAside()
      for (const batch of batches) {
        const raw = batch.map((make) => make())
        await presumed.deliver(raw)
        await judged.deliver(raw)

        assert.deepEqual(await stateOf(presumed), await stateOf(judged))
      }
      assert.equal(judged.attemptsPresumed, 0)
    }),
    { numRuns: 60 },
  )
})

test('two processes that apply the same batches at once have applied them once', async () => {
  const { presumed, twin } = setup()
  const ids = Array.from({ length: 20 }, (_, index) => `o-${index}`)
  for (let version = 1; version <= 3; version += 1) {
    const batch = ids.map((id) => order(id, version))
    await Promise.all([presumed.insist(batch), twin.insist(batch.toReversed())])
  }
  const expected = ids.flatMap((id) => [`${id}.1`, `${id}.2`, `${id}.3`]).toSorted()
  assert.deepEqual((await presumed.effects()).toSorted(), expected)
  assert.deepEqual(await presumed.parked(), [])
  assert.deepEqual((await presumed.facts()).toSorted(), ids.map((id) => `${id}.1`).toSorted())
  assert.deepEqual(
    [...presumed.outcomes, ...twin.outcomes].filter((outcome) => outcome.startsWith('applied')).length,
    expected.length,
  )
})

test('an aggregate is moved on only from where it was seen, and who was too late is told to look again', async () => {
  const { presumed } = setup()
  await presumed.deliver([order('a', 1), order('b', 1)])
  const moves = (from: number | undefined): Promise<void> =>
    presumed.tx((tx) =>
      movePositions(
        tx,
        presumed.group,
        ['a', 'b'].map((aggregateId) => ({
          ...{ source: '/order/orders', aggregateId, to: { version: 5, hash: 'any' } },
          from:
            aggregateId === 'a'
              ? { version: 1, hash: 'any' }
              : from === undefined
                ? from
                : { version: from, hash: 'any' },
        })),
      ),
    )
  for (const from of [undefined, 2]) {
    await assert.rejects(moves(from), isInboxRaced)
    assert.deepEqual(await presumed.positions(), ['a.1', 'b.1'])
  }
  await moves(1)
  assert.deepEqual(await presumed.positions(), ['a.5', 'b.5'])
})

test('an event that its handler refuses is parked after the others of its batch were applied', async () => {
  const { presumed } = setup()
  await presumed.deliver([order('a', 1), order('refused', 1), order('b', 1), order('refused', 2), order('a', 2)])

  assert.deepEqual(await presumed.effects(), ['a.1', 'b.1', 'a.2'])
  assert.deepEqual(await presumed.parked(), ['refused.1 handler', 'refused.2 gap'])
})

/** One consumer and its database, watched. */
class Watched extends Database {
  readonly group: string
  readonly #bearsRepeats: boolean
  /** Looks at the positions of orders. */
  readonly looks: string[] = []
  readonly outcomes: string[] = []
  attempts = 0
  attemptsPresumed = 0
  told = 0

  constructor(service: string, group: string, bearsRepeats: boolean) {
    const url = infra.env(service)['DB_URL'] ?? ''
    // Hundreds of connections are made here, and no batch is tried again where a server is slow to let one in.
    super({ url, poolSize: 2, applicationName: group, connectTimeoutMs: 10_000, onError: () => undefined })
    this.group = group
    this.#bearsRepeats = bearsRepeats
  }

  override tx<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return super.tx((tx) => {
      let looked = false
      const watched = ((text: TemplateStringsArray, ...values: unknown[]) => {
        const said = text.join('$')
        if (said.includes('from inbox') && said.includes('for update')) {
          looked = true
          this.looks.push(said)
        }
        if (said.includes('insert into effects')) {
          this.attempts += 1
          if (!looked) this.attemptsPresumed += 1
        }
        return tx(text, ...values)
      }) as Tx
      return work(watched)
    })
  }

  deliver(records: readonly RawRecord[]): Promise<void> {
    return applyBatch(this.#dependencies(), records)
  }

  /** As the consumer does: what is no event's fault is tried again. */
  async insist(records: readonly RawRecord[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.deliver(records)
        await resumeParked(this.#dependencies())
        return
      } catch (error) {
        if (attempt === 20 || !(isInfrastructure(error) || isInboxRaced(error))) throw error
      }
    }
  }

  /** An event of somebody else waits, for good. */
  async setAside(): Promise<void> {
    await this.sql`
      insert into parked_events (consumer, source, aggregate_id, version, reason, topic, partition, "offset", key, headers,
        hash)
      values (${this.group}, '/order/orders', 'elsewhere', 1, 'handler', 'order-topic', 0, 0, 'elsewhere', '[]', 'any')`
  }

  effects(): Promise<string[]> {
    return this.#names(this.sql`select name from effects where consumer = ${this.group} order by seq`)
  }

  positions(): Promise<string[]> {
    return this.#names(this.sql`
      select aggregate_id || '.' || version as name from inbox where consumer = ${this.group} order by source, name`)
  }

  parked(): Promise<string[]> {
    return this.#names(this.sql`
      select aggregate_id || '.' || version || ' ' || reason as name from parked_events
      where consumer = ${this.group} and aggregate_id <> 'elsewhere' order by source, name`)
  }

  letters(): Promise<string[]> {
    return this.#names(this.sql`
      select topic || ' ' || "offset" || ' ' || reason as name from dead_letters
      where consumer = ${this.group} order by "offset"`)
  }

  /** Keys of what waits in the outbox and is an answer of this consumer. */
  async facts(): Promise<string[]> {
    const rows = await this.sql<{ lines: string }>`select lines from outbox order by id`
    return rows
      .flatMap(({ lines }) => readLines(lines))
      .filter(({ topic, value }) => topic === 'order-topic' && String(value).includes(`"${this.group}"`))
      .map(({ key }) => `${String(key)}.1`)
  }

  #dependencies(): Parameters<typeof applyBatch>[0] {
    return {
      ...{ group: this.group, db: this, decode, apply: this.#apply },
      onFacts: () => {
        this.told += 1
      },
      onOutcome: (outcome, event) => {
        this.outcomes.push(`${outcome} ${'type' in event ? name(event) : `${event.record.offset} ${event.reason}`}`)
      },
    }
  }

  // As a service does that leaves it to the inbox that each event comes once: its table does not bear the second; or as
  // one that is not sure.
  readonly #apply: Apply = async (tx, events) => {
    for (const { aggregateId } of events) if (aggregateId === 'refused') throw new Refusal('unknown-product', {})
    const effects = events.map(effectOf)
    const hashes = events.map((event) => event.hash)
    if (this.#bearsRepeats) {
      await tx`
        insert into effects (consumer, name, hash)
        select ${this.group}, * from unnest(${effects}::text[], ${hashes}::text[]) on conflict do nothing`
    } else {
      await tx`
        insert into effects (consumer, name, hash)
        select ${this.group}, * from unnest(${effects}::text[], ${hashes}::text[])`
    }
    return events.filter(({ version }) => version === 1).map((event) => this.#answerTo(event))
  }

  #answerTo({ aggregateId }: ReceivedEvent): Fact {
    const data = { ...DATA, orderId: aggregateId, buyerId: this.group }
    return fact(OrderConfirmed, { aggregateId, version: 1, data })
  }

  async #names(rows: Promise<Record<string, unknown>[]>): Promise<string[]> {
    return (await rows).map((row) => String(row['name']))
  }
}

const DATA = { buyerId: 'open', productId: 'A001', quantity: 1, unitPriceMinor: 1, currency: 'KRW' }
const decode = createDecoder(EVENTS, [OrderPlaced, OrderConfirmed, ProductChanged])

function name({ aggregateId, version }: ReceivedEvent): string {
  return `${aggregateId}.${version}`
}

function effectOf(event: ReceivedEvent): string {
  return event.source === '/order/orders' ? name(event) : `${event.source} ${name(event)}`
}

async function stateOf(one: Watched): Promise<unknown> {
  return {
    effects: (await one.effects()).toSorted(),
    positions: await one.positions(),
    parked: await one.parked(),
    letters: await one.letters(),
    facts: (await one.facts()).toSorted(),
    outcomes: one.outcomes.toSorted(),
  }
}

/** Version 2 is something else than version 1, and version 4 something that this consumer has no use for. */
function order(orderId: string, version: number, quantity = 1): RawRecord {
  const about = { aggregateId: orderId, version, data: { ...DATA, orderId, quantity } }
  if (version === 4) return raw(fact(OrderCancelled, { ...about, data: { ...about.data, reason: 'buyer' } }))
  return raw(version === 1 ? fact(OrderPlaced, about) : fact(OrderConfirmed, about))
}

function product(productId: string, version: number, unitsOnSale: number): RawRecord {
  const name = { ko: '사과', en: 'Apple' }
  const data = { productId, name, priceMinor: 1, currency: 'KRW', unitsOnSale }
  return raw(fact(ProductChanged, { aggregateId: productId, version, data }))
}

function garbage(): RawRecord {
  return { topic: 'order-topic', partition: 0, offset: offset++, timestamp: 0n, key: null, value: null, headers: [] }
}

let offset = 1n

function raw(told: Fact): RawRecord {
  const { topic, key, value, headers } = recordOf(told)
  return {
    ...{ topic, partition: 0, offset: offset++, timestamp: 0n },
    ...{ key: Buffer.from(key ?? ''), value: Buffer.from(value ?? '') },
    headers: Object.entries(headers ?? {}).map(([name, one]) => [Buffer.from(name), Buffer.from(one)]),
  }
}

// Few orders and versions, so that batches repeat, overtake and contradict each other; most are in turn all the same.
const deliveries: fc.Arbitrary<() => RawRecord> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc
      .tuple(fc.constantFrom('x', 'x', 'y', 'refused'), fc.constantFrom(1, 1, 2, 2, 3, 4), fc.constantFrom(1, 1, 1, 2))
      .map(
        ([id, version, quantity]) =>
          () =>
            order(id, version, quantity),
      ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('A', 'B'), fc.integer({ min: 1, max: 4 }), fc.constantFrom(0, 0, 1)).map(
      ([id, version, units]) =>
        () =>
          product(id, version, units),
    ),
  },
  { weight: 1, arbitrary: fc.constant(garbage) },
)

const logs = fc.array(fc.array(deliveries, { minLength: 1, maxLength: 6 }), { maxLength: 6 })

let infra: Infrastructure
const opened: Watched[] = []
let groups = 0

before(async () => {
  infra = await startInfrastructure({ databases: ['notification', 'analytics'] })
  for (const service of ['notification', 'analytics']) {
    const { sql } = infra.admin(service)
    await sql`
      create table effects (
        seq bigint generated always as identity,
        consumer text not null,
        name text not null,
        hash text not null,
        primary key (consumer, name)
      )`
    await sql`grant select, insert on effects to public`
  }
})

after(async () => {
  await Promise.all(opened.map((db) => db.close().catch(() => undefined)))
  await infra[Symbol.asyncDispose]()
})

function setup({ bearsRepeats = false } = {}) {
  groups += 1
  const open = (service: string): Watched => {
    const watched = new Watched(service, `group-${groups}`, bearsRepeats)
    opened.push(watched)
    return watched
  }
  return { presumed: open('notification'), twin: open('notification'), judged: open('analytics') }
}
