import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Database } from '@timesale/postgres/database'
import { Offsets } from '@timesale/testkit/offsets'
import { readTopic } from '@timesale/testkit/records'
import { startChild } from '../framework/child-program.ts'
import { commonTables } from '../framework/common-tables.ts'
import type { Experiment, Figure, Outcome, Text } from '../framework/experiment.ts'
import { runStatements } from '../framework/run-statements.ts'
import { startServers, type Servers } from '../framework/servers.ts'
import type { Told, Way } from './program.ts'

/** In each run of each way. */
const KILLS = 4
const KILL_AFTER_MS = { min: 50, max: 400 }
const PARTITIONS = 3

const WAYS: Readonly<Record<Way, Text>> = {
  'commit-then-send': { en: 'commit, then send', ko: '커밋하고 전송' },
  'send-then-commit': { en: 'send, then commit', ko: '전송하고 커밋' },
  outbox: { en: 'outbox', ko: '아웃박스' },
}

const TABLES = 'create table orders (way text not null, run integer not null, order_id text primary key)'

/** Of one run: what the database and the topic do not agree on. */
interface Compared {
  readonly kills: number
  readonly orders: number
  readonly records: number
  /** Orders that nobody was told of. */
  readonly lost: number
  /** Orders that were told of and do not exist. */
  readonly ghosts: number
  /** Records that are there once more. */
  readonly twice: number
}

export const experiment: Experiment = {
  question: {
    en: 'An order has to be in the database and on the topic: what is left of that when the process is killed between?',
    ko: '주문은 데이터베이스에도 토픽에도 있어야 한다. 그 사이에 프로세스가 죽으면 무엇이 남는가?',
  },
  async run({ say, repeats }): Promise<Outcome> {
    say('starting Kafka and PostgreSQL')
    await using servers = await startServers({ kafka: 1, postgres: true })
    const ways = Object.keys(WAYS) as Way[]
    await runStatements(servers.postgresUrl, [TABLES, ...(await commonTables())])
    for (const way of ways) await servers.createTopic(way, PARTITIONS)
    const kills: Record<Way, number[]> = { 'commit-then-send': [], 'send-then-commit': [], outbox: [] }
    for (let run = 1; run <= repeats; run += 1) {
      say(`run ${run} of ${repeats}: orders in three ways at once, each killed ${KILLS} times and started again`)
      await Promise.all(ways.map(async (way) => kills[way].push(await placeOrders(servers, way, run))))
    }
    say('comparing rows with records')
    const commitThenSend = await compare(servers, 'commit-then-send', kills['commit-then-send'])
    const sendThenCommit = await compare(servers, 'send-then-commit', kills['send-then-commit'])
    const outbox = await compare(servers, 'outbox', kills.outbox)
    const all = [commitThenSend, sendThenCommit, outbox].flat()
    const because = (runs: readonly Compared[]): Text => {
      const [killed, orders] = [sum(runs, 'kills'), sum(runs, 'orders')]
      const [lost, ghosts, twice] = [sum(runs, 'lost'), sum(runs, 'ghosts'), sum(runs, 'twice')]
      return {
        en: `${killed} of ${KILLS * repeats} kills, ${orders} orders: ${lost} without a record, ${ghosts} records without an order, ${twice} there once more`,
        ko: `${KILLS * repeats}번 중 ${killed}번 죽임, 주문 ${orders}건: 레코드가 없는 주문 ${lost}건, 주문이 없는 레코드 ${ghosts}개, 중복된 레코드 ${twice}개`,
      }
    }
    // A way that was not killed as often as it should has shown nothing.
    const isKilled = (runs: readonly Compared[]): boolean => sum(runs, 'kills') === KILLS * repeats
    const figure = (title: Text, what: 'lost' | 'ghosts' | 'twice'): Figure => ({
      ...{ title, unit: { en: `in a run of ${KILLS} kills`, ko: `${KILLS}번 죽이는 한 회당` } },
      bars: [
        { side: WAYS['commit-then-send'], values: commitThenSend.map((run) => run[what]) },
        { side: WAYS['send-then-commit'], values: sendThenCommit.map((run) => run[what]) },
        { side: WAYS.outbox, values: outbox.map((run) => run[what]) },
      ],
    })
    return {
      claims: [
        {
          text: {
            en: 'Commit, then send: orders are in the database that nobody is ever told of',
            ko: '커밋하고 전송: 데이터베이스에는 있지만 아무에게도 알려지지 않는 주문이 생긴다',
          },
          holds: isKilled(commitThenSend) && sum(commitThenSend, 'lost') > 0 && sum(commitThenSend, 'ghosts') === 0,
          because: because(commitThenSend),
        },
        {
          text: {
            en: 'Send, then commit: records tell of orders that do not exist',
            ko: '전송하고 커밋: 존재하지 않는 주문을 알리는 레코드가 생긴다',
          },
          holds: isKilled(sendThenCommit) && sum(sendThenCommit, 'ghosts') > 0 && sum(sendThenCommit, 'lost') === 0,
          because: because(sendThenCommit),
        },
        {
          text: {
            en: 'With an outbox every order is told of, and nothing else; at worst it is told of more than once',
            ko: '아웃박스: 모든 주문이 알려지고 없는 주문은 알려지지 않는다. 나쁘면 여러 번 알려질 뿐이다',
          },
          holds: isKilled(outbox) && sum(outbox, 'lost') === 0 && sum(outbox, 'ghosts') === 0,
          because: because(outbox),
        },
      ],
      figures: [
        figure({ en: 'Orders without a record: lost', ko: '레코드가 없는 주문: 유실' }, 'lost'),
        figure({ en: 'Records without an order: ghosts', ko: '주문이 없는 레코드: 유령' }, 'ghosts'),
        figure({ en: 'Records that are there once more', ko: '중복된 레코드' }, 'twice'),
      ],
      work: [
        { what: ordersOf('commit-then-send'), count: sum(commitThenSend, 'orders') },
        { what: ordersOf('send-then-commit'), count: sum(sendThenCommit, 'orders') },
        { what: ordersOf('outbox'), count: sum(outbox, 'orders') },
        { what: { en: 'records on the topics', ko: '토픽에 있는 레코드' }, count: sum(all, 'records') },
        { what: { en: 'kills', ko: '죽인 횟수' }, count: sum(all, 'kills') },
      ],
    }
  },
}

function ordersOf(way: Way): Text {
  return { en: `orders in the database, ${WAYS[way].en}`, ko: `데이터베이스에 있는 주문, ${WAYS[way].ko}` }
}

/** One run of one way: killed again and again once it is at work; the last one may finish. Resolves to the kills. */
async function placeOrders({ brokers, postgresUrl }: Servers, way: Way, run: number): Promise<number> {
  let kills = 0
  for (let life = 0; life <= KILLS; life += 1) {
    await using program = startChild<Told>(join(import.meta.dirname, 'program.ts'), { way, run, brokers, postgresUrl })
    await program.heard('orders go through', ({ isWorking }) => isWorking)
    const { min, max } = KILL_AFTER_MS
    await sleep(min + Math.random() * (max - min))
    if (life < KILLS) {
      kills += (await program.kill()) ? 1 : 0
    } else {
      program.send({ finish: true })
      await program.finished()
    }
  }
  return kills
}

/** Rows with records, by the order's id, each run by itself. */
async function compare(
  { brokers, postgresUrl }: Servers,
  way: Way,
  killsOfRuns: readonly number[],
): Promise<Compared[]> {
  await using db = new Database({ url: postgresUrl, poolSize: 1, applicationName: 'lab' })
  const rows = await db.sql<{ order_id: string }>`select order_id from orders where way = ${way}`
  await using offsets = new Offsets(brokers)
  const wanted = await offsets.count(way)
  const records = await readTopic(brokers, way, wanted)
  // What was not read is not lost.
  if (records.length < wanted) throw new Error(`Only ${records.length} of ${wanted} records could be read`)
  return killsOfRuns.map((kills, index) => {
    const isOfRun = (id: string): boolean => id.startsWith(`${index + 1}-`)
    const orders = new Set(rows.map((row) => row.order_id).filter(isOfRun))
    const keys = records.map(({ key }) => key).filter(isOfRun)
    const told = new Set(keys)
    return {
      ...{ kills, orders: orders.size, records: keys.length },
      lost: missing(orders, told),
      ghosts: missing(told, orders),
      twice: keys.length - told.size,
    }
  })
}

/** How many of `some` are not in `others`. */
function missing(some: ReadonlySet<string>, others: ReadonlySet<string>): number {
  return [...some].filter((one) => !others.has(one)).length
}

function sum(runs: readonly Compared[], what: keyof Compared): number {
  return runs.reduce((all, run) => all + run[what], 0)
}
