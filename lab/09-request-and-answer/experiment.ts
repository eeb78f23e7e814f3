import { Database } from '@timesale/postgres/database'
import { servicePorts } from '@timesale/testkit/infrastructure'
import { Offsets } from '@timesale/testkit/offsets'
import type { Experiment, Outcome } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { makeDatabases } from './books.ts'
import { processCosts } from './costs.ts'
import { claimsOfAlone, claimsOfTime, figuresOf, type Alone, type ByWay } from './findings.ts'
import { countKafkaRequests } from './kafka-requests.ts'
import { openOrderService } from './order-service.ts'
import { StockProcess } from './stock-process.ts'
import { measure, placeAlone, readDecided, type Samples } from './trial.ts'

const TOPICS = ['order-topic', 'stock-topic'] as const
const PARTITIONS = 6

export const experiment: Experiment = {
  question: {
    en: 'One order at a time, request and answer: how long until the outcome is known, by a call and by events?',
    ko: '한 번에 주문 한 건, 요청과 응답: 결과를 알기까지 호출은 얼마나, 이벤트는 얼마나 걸리는가?',
  },
  async run(bench): Promise<Outcome> {
    bench.say('starting Kafka and PostgreSQL')
    await using servers = await startServers({ kafka: 1, postgres: true })
    for (const topic of TOPICS) await servers.createTopic(topic, PARTITIONS)
    const urls = await makeDatabases(servers.postgresUrl)
    const [stockPort] = await servicePorts(1)
    await using orders = new Database({ url: urls.orders, poolSize: 2, applicationName: 'lab-order' })
    await using stockBooks = new Database({ url: urls.stock, poolSize: 1, applicationName: 'lab' })
    await using offsets = new Offsets(servers.brokers)
    const requests = countKafkaRequests()
    await using stock = new StockProcess({ brokers: servers.brokers, postgresUrl: urls.stock, port: stockPort })
    await stock.start()
    await using service = await openOrderService({
      ...{ db: orders, dbUrl: urls.orders, brokers: servers.brokers, stockPort },
    })
    const parties = {
      ...{ service, stock, databases: { orders, stock: stockBooks } },
      watched: {
        ...{ sql: orders.sql, offsets, pids: ['postgres', 'kafka-1'].map((name) => servers.part(name).pid) },
        processes: async () => [processCosts(requests, 0), await stock.spent()],
      },
    }
    const samples = await measure(parties, bench)
    const decided = await readDecided(parties, bench.repeats)
    return outcomeOf(samples, decided, await placeAlone(parties, bench))
  },
}

function outcomeOf(samples: Samples, decided: ByWay, alone: readonly Alone[]): Outcome {
  return {
    claims: [...claimsOfTime(samples, decided), ...claimsOfAlone(alone)],
    figures: figuresOf(samples, alone),
    work: [
      { what: { en: 'orders confirmed by calls', ko: '호출로 확정한 주문' }, count: decided.http.confirmed },
      { what: { en: 'orders confirmed by events', ko: '이벤트로 확정한 주문' }, count: decided.events.confirmed },
      {
        what: { en: 'units set aside', ko: '예약한 수량' },
        count: decided.http.reserved + decided.events.reserved,
      },
      {
        what: { en: 'records of the measured orders', ko: '측정한 주문의 레코드' },
        count: samples.events.reduce((sum, { costs }) => sum + costs.records, 0),
      },
      {
        what: { en: 'orders decided when stock was back', ko: '재고 서비스가 돌아온 뒤 결정한 주문' },
        count: alone.reduce((sum, { afterwards }) => sum + afterwards.confirmed, 0),
      },
    ],
  }
}
