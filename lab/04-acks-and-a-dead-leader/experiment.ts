import { setTimeout as sleep } from 'node:timers/promises'
import { Offsets } from '@timesale/testkit/offsets'
import { readTopic } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import type { Bench, Experiment, Outcome } from '../framework/experiment.ts'
import { startServers, type Servers } from '../framework/servers.ts'
import { FAULTS, killLeader, leaderInSync, type Fault } from './faults.ts'
import { acknowledgedOf, ACKS, claimsOf, figuresOf, type Counted, type Round } from './findings.ts'
import { Sender } from './sender.ts'

const TOPIC = 'acknowledged'
/** Acknowledged to each sender before anything is measured: what half a second brings. */
const FLOWING_RECORDS = 1_000
/** Sends of each that are measured before anything happens: those of another half a second. */
const MEASURED_SENDS = 25
const FLOWS_WITHIN_MS = 60_000
/** So long the stream goes on after the leader is gone. */
const STREAM_ON_MS = 300

export const experiment: Experiment = {
  question: {
    en: 'acks 0, 1 or all: how many of the acknowledged records are gone when the leader dies?',
    ko: 'acks 0, 1, all: 리더가 죽으면 확인받은 레코드 가운데 몇 개가 사라지는가?',
  },
  async run(bench): Promise<Outcome> {
    bench.say('starting three brokers')
    await using servers = await startServers({ kafka: 3 })
    await servers.createTopic(TOPIC, 1)
    const rounds = await killLeaders(servers, bench)
    bench.say("reading what is on the topic, with Kafka's own consumer")
    const [anyBroker = ''] = servers.brokers.split(',')
    await using offsets = new Offsets(anyBroker)
    const wanted = await offsets.count(TOPIC)
    const records = await readTopic(servers.brokers, TOPIC, wanted)
    // What was not read is not gone.
    if (records.length < wanted) throw new Error(`Only ${records.length} of ${wanted} records could be read`)
    const there = new Set(records.map(({ key }) => key))
    const counted = rounds.map((round): Counted => {
      return { ...round, gone: [...round.acknowledged].filter((id) => !there.has(id)).length }
    })
    return {
      claims: claimsOf(counted),
      figures: figuresOf(counted),
      work: [
        ...ACKS.map((acks) => ({
          what: { en: `records acknowledged, acks=${acks}`, ko: `확인받은 레코드, acks=${acks}` },
          count: acknowledgedOf(counted, acks),
        })),
        { what: { en: 'different records on the topic', ko: '토픽에 있는 서로 다른 레코드' }, count: there.size },
        { what: { en: 'leaders killed', ko: '죽인 리더' }, count: counted.length / ACKS.length },
      ],
    }
  },
}

/** One leader after the other, each fault so many times. */
async function killLeaders(servers: Servers, { say, repeats }: Bench): Promise<Round[]> {
  const rounds: Round[] = []
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const fault of Object.keys(FAULTS) as Fault[]) {
      // Also waits for the one that was killed last: it has thrown away by then what the new leader does not have.
      const leader = await leaderInSync(servers.brokers, TOPIC)
      say(`three streams to one partition; then ${leader}, its leader, is killed: ${FAULTS[fault].en}`)
      rounds.push(...(await killOne(servers, leader, { fault, round: rounds.length / ACKS.length })))
      await servers.part(leader).start()
    }
  }
  await leaderInSync(servers.brokers, TOPIC)
  return rounds
}

async function killOne(
  servers: Servers,
  leader: string,
  { fault, round }: { fault: Fault; round: number },
): Promise<Round[]> {
  await using stack = new AsyncDisposableStack()
  const given = { brokers: servers.brokers, topic: TOPIC, round }
  const senders = ACKS.map((acks) => stack.use(new Sender(acks, given)))
  for (const sender of senders) sender.start()
  const flows = (): boolean => senders.every(({ acknowledged }) => acknowledged.size >= FLOWING_RECORDS)
  await until('the streams flow', flows, FLOWS_WITHIN_MS)
  for (const sender of senders) sender.measure()
  const isMeasured = (): boolean => senders.every(({ measuredSends }) => measuredSends >= MEASURED_SENDS)
  await until('sends are measured', isMeasured, FLOWS_WITHIN_MS)
  const waitsMs = senders.map(({ medianWaitMs }) => medianWaitMs)
  await killLeader(servers, leader, fault)
  await sleep(STREAM_ON_MS)
  await Promise.all(senders.map((sender) => sender.stop()))
  return senders.map(({ acks, acknowledged }, index) => {
    return { fault, acks, acknowledged, waitMs: waitsMs[index] ?? Number.NaN }
  })
}
