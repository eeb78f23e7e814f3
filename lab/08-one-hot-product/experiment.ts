import { Database } from '@timesale/postgres/database'
import type { Experiment, Outcome } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { measure, sellOutUnlocked } from './crowd-rates.ts'
import { claimsOfCrowd, claimsOfLastUnit, figuresOf } from './findings.ts'
import { COURSES, sellLastUnit, type LastUnits } from './last-unit.ts'
import { makeTables } from './shelf.ts'

const CONNECTIONS = 16

export const experiment: Experiment = {
  question: {
    en: 'Everybody wants one product: a lock in Redis, a guarded UPDATE or a batch, and what if the holder of the lock is paused?',
    ko: '모두가 한 상품을 살 때: Redis 락, 조건부 UPDATE, 배치 가운데 무엇이며, 락을 잡은 프로세스가 멈추면 어떻게 되는가?',
  },
  async run(bench): Promise<Outcome> {
    bench.say('starting PostgreSQL and Redis')
    await using servers = await startServers({ postgres: true, redis: true })
    await using db = new Database({ url: servers.postgresUrl, poolSize: CONNECTIONS, applicationName: 'lab' })
    await makeTables(db)
    const unlocked = await sellOutUnlocked(db, bench)
    const samples = await measure(servers.redisUrl, db, bench)
    const lastUnit: LastUnits = new Map(Object.keys(COURSES).map((name) => [name, []]))
    for (let repeat = 0; repeat < bench.repeats; repeat += 1) {
      for (const [name, course] of Object.entries(COURSES)) {
        const sales = await sellLastUnit(servers, db, course)
        bench.say(`the last unit, ${course.name.en}: ${sales} sold`)
        lastUnit.get(name)?.push(sales)
      }
    }
    const all = Object.values(samples).flat()
    return {
      claims: [...claimsOfCrowd(unlocked, samples), ...claimsOfLastUnit(lastUnit)],
      figures: figuresOf(samples, lastUnit),
      work: [
        {
          what: { en: 'sales counted in PostgreSQL', ko: 'PostgreSQL에서 센 판매' },
          count: all.reduce((sum, { soldOut = 0, sold }) => sum + soldOut + sold, unlocked),
        },
        {
          what: { en: 'sales of the last unit', ko: '마지막 한 개의 판매' },
          count: [...lastUnit.values()].flat().reduce((sum, sales) => sum + sales, 0),
        },
      ],
    }
  },
}
