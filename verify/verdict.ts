import { deadLetterTopic, GROUPS, TOPICS } from '@timesale/contracts/topics'
import { databaseServices, type DatabaseService } from '@timesale/local/shop/ports'
import type { Accounts } from './accounts.ts'
import { Look, type Books } from './books.ts'
import { placeOf } from './event-record.ts'
import { Rulebook, type Finding, type Offence } from './finding.ts'
import {
  checkCommitted,
  checkDeadLetters,
  checkInbox,
  checkWaiting,
  groups,
  readDeadLetters,
  readersOf,
  type Expected,
} from './group-rules.ts'
import { readCommitted, readEnds, type Ends } from './kafka-offsets.ts'
import { checkTold, readOrders, type Told } from './order-rules.ts'
import { Projections } from './projection-rules.ts'
import { RefusalRules } from './refusal-rules.ts'
import { checkTakings, SaleRules } from './sale-rules.ts'
import { readSettings } from './settings.ts'
import { readShops } from './shops.ts'
import { SoldOutRule } from './sold-out-rule.ts'
import { checkOrdersAgainstStock, readProducts, readStock } from './stock-rules.ts'
import { TopicRules } from './topic-rules.ts'
import { readRecords } from './topic.ts'
import { checkView } from './view-rules.ts'

export type { Books } from './books.ts'
export type { Finding, Offence } from './finding.ts'
export { findDeadLetters, type Expected, type ParkedKey, type RecordPlace } from './group-rules.ts'
export type { Told, Wish } from './order-rules.ts'
export type { SoldOut } from './sold-out-rule.ts'
export { settled, type SettleOptions, type Unrest } from './settled.ts'

/**
 * What is wrong with the books of a shop that is at rest; nothing when they balance. Computed over the whole past of the
 * shop from its databases, in read-only sessions, and its topics, with Kafka's own tools. It knows tables, topics and
 * events, and shares no code with the services. Rejects where something could not be read: then nothing is known.
 */
export async function verdict(books: Books, told: Told, expected: Expected = {}): Promise<Offence[]> {
  const findings = await examine(books, told, expected)
  return findings.filter(({ holds }) => !holds).map(({ rule, count, offenders }) => ({ rule, count, offenders }))
}

/** The same with the rules that hold, and what was counted for each. */
export async function examine(books: Books, told: Told, expected: Expected = {}): Promise<Finding[]> {
  const rules = new Rulebook()
  await using looks = await Looks.open(books)
  const [ends, committed, orders, stock, products, shops, settings] = await Promise.all([
    readEnds(books.brokers),
    readCommitted(books.brokers),
    readOrders(looks.of('order'), rules),
    readStock(looks.of('stock'), rules),
    readProducts(looks.of('product')),
    readShops(looks.of('seller')),
    readSettings(looks.of('account')),
  ])
  checkTopics(ends)
  checkTold(told, orders, rules)
  await checkTakings(looks.of('stock'), rules)
  checkOrdersAgainstStock(orders, stock, products, rules)

  const { reservations, levels } = stock
  const accounts: Accounts = { orders, products, reservations, levels, shops, settings }
  const projections = new Projections(orders)
  const refusals = new RefusalRules(stock.levels, stock.arrivals, rules)
  const sales = new SaleRules(accounts, stock.arrivals, rules)
  const soldOut = new SoldOutRule(expected.soldOut ?? [])
  await readTopics(books, { rules, accounts, ends, expected, projections, refusals, sales, soldOut })
  soldOut.end(levels, stock.arrivals, rules)

  checkCommitted(committed, ends, readersOf(books), rules)
  const parked = new Set((expected.parked ?? []).map((one) => `${one.group} ${one.source} ${one.aggregateId}`))
  for (const service of databaseServices) await checkWaiting(looks.of(service), service, parked, rules)
  const letters = await readDeadLetters(books, ends)
  for (const group of groups) {
    await checkInbox(looks.of(group), group, accounts, parked, rules)
    await checkDeadLetters(looks.of(group), group, expected.deadLetters ?? [], letters, rules)
  }
  await projections.checkNotices(looks.of('notification'), rules)
  await projections.checkSales(looks.of('analytics'), rules)
  if (books.storefront !== undefined) await checkView(books.storefront, accounts, told.accepted, rules)
  return rules.findings
}

interface TopicReading {
  readonly rules: Rulebook
  readonly accounts: Accounts
  readonly ends: Ends
  readonly expected: Expected
  readonly projections: Projections
  readonly refusals: RefusalRules
  readonly sales: SaleRules
  readonly soldOut: SoldOutRule
}

async function readTopics(books: Books, reading: TopicReading): Promise<void> {
  const { rules, accounts, ends, expected, projections, refusals, sales, soldOut } = reading
  const places = new Set((expected.deadLetters ?? []).map(placeOf))
  const topicRules = new TopicRules({
    accounts,
    rules,
    partitionsOf: (topic) => ends.get(topic)?.length ?? 0,
    isExpected: (place) => places.has(place),
    onFirst: (event) => {
      projections.take(event)
      refusals.take(event)
      sales.take(event)
      soldOut.take(event)
    },
  })
  await Promise.all(
    TOPICS.map((topic) =>
      readRecords(books.brokers, topic, ends.get(topic) ?? [], (record) => topicRules.take(topic, record)),
    ),
  )
  topicRules.end()
  refusals.end()
  sales.end()
}

// A topic that Kafka's tool does not list would count as empty.
function checkTopics(ends: Ends): void {
  const letters = groups.flatMap((group) => GROUPS[group].map((topic) => deadLetterTopic(topic, group)))
  const missing = [...TOPICS, ...letters].filter((topic) => !ends.has(topic))
  if (missing.length > 0) throw new Error(`Kafka knows nothing of ${missing.join(', ')}.`)
}

// One look at each database, all begun at about the same moment.
class Looks implements AsyncDisposable {
  readonly #looks: ReadonlyMap<DatabaseService, Look>

  static async open(books: Books): Promise<Looks> {
    const opened = await Promise.allSettled(databaseServices.map((service) => Look.open(books, service)))
    const looks = new Looks(
      new Map(
        opened.flatMap((one, index) =>
          one.status === 'fulfilled' ? [[databaseServices[index] as DatabaseService, one.value] as const] : [],
        ),
      ),
    )
    const failed = opened.find((one) => one.status === 'rejected')
    if (failed === undefined) return looks
    await looks[Symbol.asyncDispose]()
    throw failed.reason
  }

  private constructor(looks: ReadonlyMap<DatabaseService, Look>) {
    this.#looks = looks
  }

  of(service: DatabaseService): Look {
    const look = this.#looks.get(service)
    if (look === undefined) throw new Error(`There is no look at the database of ${service}.`)
    return look
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#looks.values()].map((look) => look[Symbol.asyncDispose]()))
  }
}
