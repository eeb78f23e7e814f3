import { Database } from '@timesale/postgres/database'
import { median, shown } from '../framework/chart.ts'
import type { Experiment, Outcome } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { Crew, MEMBERS } from './crew.ts'
import { killSome } from './dying.ts'
import { claimsOf, figuresOf, type Found } from './findings.ts'
import { growTopic } from './growing.ts'
import { makeLedger } from './ledger.ts'
import { samplePartitions, type PartitionsSample, type Shared } from './sample.ts'
import { NUMBERS } from './topic.ts'
import { measureWrites } from './writing.ts'

export const experiment: Experiment = {
  question: {
    en: 'How many partitions: throughput, order and the time of a rebalance with 1, 3, 6, 12 and 24 of them, and what if some are added later?',
    ko: '파티션은 몇 개가 좋은가: 1, 3, 6, 12, 24개일 때의 처리량, 순서, 리밸런싱 시간, 그리고 나중에 늘리면 어떻게 되는가?',
  },
  async run({ say, repeats }): Promise<Outcome> {
    say(`starting Kafka, PostgreSQL and ${MEMBERS} consumers`)
    await using servers = await startServers({ kafka: 1, postgres: true })
    await using db = new Database({ url: servers.postgresUrl, poolSize: 2, applicationName: 'lab' })
    await makeLedger(db)
    await using crew = await Crew.start(servers.brokers, servers.postgresUrl)
    const shared: Shared = { servers, db, crew, repeats }
    say('a topic that is given more partitions')
    const grown = await growTopic(shared)
    const sample = async (partitions: number): Promise<PartitionsSample> => {
      const one = await samplePartitions(shared, partitions)
      const [asking, committing, leaving, joining] = [one.asking, one.committing, one.leavingMs, one.joiningMs].map(
        (values) => shown(median(values)),
      )
      say(
        `${partitions}: ${asking} records/s that wait, ${committing} that do not; read again ${leaving} ms after somebody left, ${joining} ms after somebody came`,
      )
      return one
    }
    const samples: Record<number, PartitionsSample> = {}
    for (const partitions of NUMBERS) samples[partitions] = await sample(partitions)
    // Only now: what it writes might still be on its way to the disk while the others wait for theirs.
    say('one producer writes')
    const written = await measureWrites({ servers, repeats })
    say('two are killed, one after the other')
    const found: Found = {
      // One for each of them.
      samples: samples as Found['samples'],
      written,
      dyingMs: await killSome(shared),
      grown,
    }
    const all = NUMBERS.map((partitions) => found.samples[partitions])
    return {
      claims: claimsOf(found),
      figures: figuresOf(found),
      work: [
        {
          what: { en: 'steps worked off, counted in PostgreSQL', ko: '처리한 단계(PostgreSQL에서 셈)' },
          count: all.reduce((sum, { worked }) => sum + worked.steps, grown.worked.steps),
        },
        { what: { en: 'records written to be measured', ko: '측정하려고 쓴 레코드' }, count: written.records },
        {
          what: { en: 'rebalances', ko: '리밸런스' },
          count: all.reduce(
            (sum, { leavingMs, joiningMs }) => sum + leavingMs.length + joiningMs.length,
            found.dyingMs.length,
          ),
        },
      ],
    }
  },
}
