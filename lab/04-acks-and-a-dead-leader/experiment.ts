import { setTimeout as sleep } from 'node:timers/promises'
import { Offsets } from '@timesale/testkit/offsets'
import { readTopic } from '@timesale/testkit/records'
import { until } from '@timesale/testkit/until'
import type { Bench, Claim, Experiment, Figure, Outcome, Text } from '../framework/experiment.ts'
import { startServers, type Servers } from '../framework/servers.ts'
import { FAULTS, killLeader, leaderInSync, type Fault } from './faults.ts'
import { Sender, type Acks } from './sender.ts'

const TOPIC = 'acknowledged'
/** Acknowledged to each sender before anything happens: what a second brings. */
const STREAM_RECORDS = 2_000
const FLOWS_WITHIN_MS = 60_000
/** So long the stream goes on after the leader is gone. */
const STREAM_ON_MS = 300

const ACKS: readonly Acks[] = ['0', '1', 'all']

/** One kill of a leader, as one of the senders saw it. */
interface Round {
  readonly fault: Fault
  readonly acks: Acks
  readonly acknowledged: ReadonlySet<string>
  /** How long an acknowledgement took before anything was wrong. */
  readonly waitMs: number
}

/** The same, and what became of the records. */
interface Counted extends Round {
  readonly gone: number
}

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
      work: {
        ...Object.fromEntries(
          ACKS.map((acks) => [`records acknowledged, acks=${acks}`, acknowledgedOf(counted, acks)]),
        ),
        'different records on the topic': there.size,
        'leaders killed': counted.length / ACKS.length,
      },
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
  const flows = (): boolean => senders.every(({ acknowledged }) => acknowledged.size >= STREAM_RECORDS)
  await until('the streams flow', flows, FLOWS_WITHIN_MS)
  const waitsMs = senders.map(({ medianWaitMs }) => medianWaitMs)
  await killLeader(servers, leader, fault)
  await sleep(STREAM_ON_MS)
  await Promise.all(senders.map((sender) => sender.stop()))
  return senders.map(({ acks, acknowledged }, index) => {
    return { fault, acks, acknowledged, waitMs: waitsMs[index] ?? Number.NaN }
  })
}

function claimsOf(counted: readonly Counted[]): Claim[] {
  const because = (rounds: readonly Counted[]): string => {
    const gone = rounds.map((round) => round.gone)
    return `${gone.join(', ')} gone in ${gone.length} kills, of ${sizeOf(rounds)} acknowledged`
  }
  const behind = (acks: Acks): Counted[] =>
    counted.filter((round) => round.acks === acks && round.fault === 'followers are behind')
  const all = counted.filter(({ acks }) => acks === 'all')
  return [
    {
      text: {
        en: 'acks=0: when the leader dies before its followers have caught up, acknowledged records are gone',
        ko: 'acks=0: 팔로워가 따라잡기 전에 리더가 죽으면 확인받은 레코드가 사라진다',
      },
      holds: behind('0').length > 0 && behind('0').every(({ gone }) => gone > 0),
      because: because(behind('0')),
    },
    {
      text: {
        en: 'acks=1: so are records that the leader had confirmed, though no unclean leader was elected',
        ko: 'acks=1: 리더가 확인해 준 레코드도 사라진다. 동기화되지 않은 리더를 뽑지 않아도 그렇다',
      },
      holds: behind('1').length > 0 && behind('1').every(({ gone }) => gone > 0),
      because: because(behind('1')),
    },
    {
      text: {
        en: 'acks=all with min.insync.replicas=2: not one is gone, in either fault',
        ko: 'acks=all과 min.insync.replicas=2: 어느 장애에서도 하나도 사라지지 않는다',
      },
      holds: sizeOf(all) > 0 && all.every(({ gone }) => gone === 0),
      because: because(all),
    },
  ]
}

function figuresOf(counted: readonly Counted[]): Figure[] {
  const bars = (value: (round: Counted) => number, is: (round: Counted) => boolean): Figure['bars'] =>
    ACKS.map((acks) => ({
      side: { en: `acks=${acks}`, ko: `acks=${acks}` },
      values: counted.filter((round) => round.acks === acks && is(round)).map(value),
    }))
  const gone = (fault: Fault, title: Text): Figure => ({
    ...{ title, unit: 'in a kill' },
    bars: bars(
      (round) => round.gone,
      (round) => round.fault === fault,
    ),
  })
  return [
    gone('followers are behind', {
      en: 'Acknowledged records that are gone, followers half a second behind',
      ko: '확인받았지만 사라진 레코드, 팔로워가 0.5초 뒤처졌을 때',
    }),
    gone('followers keep up', {
      en: 'Acknowledged records that are gone, followers keep up',
      ko: '확인받았지만 사라진 레코드, 팔로워가 따라오고 있을 때',
    }),
    {
      title: { en: 'Until a send is acknowledged, while all is well', ko: '정상일 때 전송이 확인되기까지' },
      unit: 'ms',
      bars: bars(
        (round) => round.waitMs,
        () => true,
      ),
    },
  ]
}

function acknowledgedOf(counted: readonly Counted[], acks: Acks): number {
  return sizeOf(counted.filter((round) => round.acks === acks))
}

function sizeOf(rounds: readonly Round[]): number {
  return rounds.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
}
