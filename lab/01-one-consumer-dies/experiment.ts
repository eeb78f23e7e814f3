import { Database } from '@timesale/postgres/database'
import type { Experiment, Outcome } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { PARTITIONS, TOPIC } from './consumer.ts'
import { claimsOf, figuresOf, workOf, type Results } from './findings.ts'
import { runOutages } from './outages.ts'
import { Shops } from './shops.ts'
import { createTables } from './tables.ts'

export const experiment: Experiment = {
  question: {
    en: 'One of those who have to hear of an order dies: who fails, who waits, what is lost, called over HTTP or told by events?',
    ko: '주문을 알아야 하는 프로그램 하나가 죽는다: HTTP로 호출할 때와 이벤트로 알릴 때, 누가 실패하고 누가 기다리고 무엇을 잃는가?',
  },
  async run({ say, repeats }): Promise<Outcome> {
    say('starting Kafka and PostgreSQL')
    await using servers = await startServers({ kafka: 1, postgres: true })
    await createTables(servers.postgresUrl)
    await servers.createTopic(TOPIC, PARTITIONS)
    say('starting three shops of three programs each')
    await using shops = await Shops.open(servers)
    await using db = new Database({ url: servers.postgresUrl, poolSize: 4, applicationName: 'lab' })
    const results: Results = { 'in-request': [], afterwards: [], events: [] }
    for (let run = 1; run <= repeats; run += 1) {
      say(
        `run ${run} of ${repeats}: stock is killed, and is back; then notification, and the order program before it is back`,
      )
      for (const [way, outages] of await runOutages(shops, db, run)) results[way].push(outages)
    }
    return {
      claims: claimsOf(results),
      figures: figuresOf(results),
      work: workOf(results, shops.kills),
    }
  },
}
