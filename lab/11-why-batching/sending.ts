import { OrderedProducer } from '@timesale/kafka/producer'
import { Offsets } from '@timesale/testkit/offsets'
import { median, shown } from '../framework/chart.ts'
import type { Bench, Claim, Figure } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { recordsOf, sampleSends, type SendSample } from './sends.ts'

/** Records a send. */
const SIZES = [1, 10, 100, 1_000, 5_000] as const
const RECORD_BYTES = 150
const SAMPLE_MS = 1_500
const WARM_UP_MS = 1_000

// What two cores with other work on them leave of a difference.
const HUNDRED_IS_FASTER = 10
const HUNDRED_TAKES = 4
const FIRST_HUNDRED = 2

type Size = (typeof SIZES)[number]
export type Sends = Readonly<Record<Size, SendSample[]>>

/** On three brokers: there `acks=all` waits for somebody. */
export async function measureSends({ say, repeats }: Bench): Promise<Sends> {
  say('starting three brokers')
  await using servers = await startServers({ kafka: 3 })
  const [first = ''] = servers.brokers.split(',')
  await using offsets = new Offsets(first)
  await using producer = new OrderedProducer({ clientId: 'lab', brokers: servers.brokers.split(',') })
  const topic = 'sends'
  await servers.createTopic(topic, 1)
  const sends: Sends = { 1: [], 10: [], 100: [], 1_000: [], 5_000: [] }
  const run = (size: Size, forMs: number): Promise<SendSample> =>
    sampleSends(producer, offsets, recordsOf(topic, size, RECORD_BYTES), (ms) => ms > forMs)
  for (const size of SIZES) await run(size, WARM_UP_MS)
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    for (const size of SIZES) sends[size].push(await run(size, SAMPLE_MS))
    say(`records/s: ${SIZES.map((size) => `${size} a send ${shown(sends[size][repeat]?.perSecond ?? 0)}`).join('; ')}`)
  }
  return sends
}

export function claimsOfSends(sends: Sends): Claim[] {
  const rate = (size: Size): number => median(sends[size].map(({ perSecond }) => perSecond))
  const ms = (size: Size): number => median(sends[size].map(({ msPerSend }) => msPerSend))
  const faster = rate(100) / rate(1)
  const slower = ms(100) / ms(1)
  const [toHundred, fromHundred] = [rate(100) / rate(1), rate(5_000) / rate(100)]
  return [
    {
      text: {
        en: `A hundred records a send are confirmed at least ${HUNDRED_IS_FASTER} times as fast as one a send`,
        ko: `한 번에 100개씩 보내면 하나씩 보낼 때보다 ${HUNDRED_IS_FASTER}배 이상 빠르다`,
      },
      holds: faster >= HUNDRED_IS_FASTER,
      because: `${shown(rate(100))} against ${shown(rate(1))} records/s, ${shown(faster)} times`,
    },
    {
      text: {
        en: `For a hundred times the records a send takes less than ${HUNDRED_TAKES} times as long: it is the send that costs`,
        ko: `레코드가 100배여도 전송 한 번은 ${HUNDRED_TAKES}배도 걸리지 않는다: 비싼 것은 전송 그 자체다`,
      },
      holds: slower < HUNDRED_TAKES,
      because: `${shown(ms(100))} against ${shown(ms(1))} ms`,
    },
    {
      text: {
        en: `The first hundred bring more than ${FIRST_HUNDRED} times what fifty times as many bring after them`,
        ko: `처음 100개까지의 이득이 거기서 50배를 더 담는 이득의 ${FIRST_HUNDRED}배를 넘는다`,
      },
      holds: toHundred > FIRST_HUNDRED * fromHundred,
      because: `1 to 100: ${shown(toHundred)} times as fast; 100 to 5,000: ${shown(fromHundred)} times`,
    },
  ]
}

export function figuresOfSends(sends: Sends): Figure[] {
  const bars = (value: (sample: SendSample) => number): Figure['bars'] =>
    SIZES.map((size) => ({
      side: { en: `${shown(size)} a send`, ko: `한 번에 ${shown(size)}개` },
      values: sends[size].map(value),
    }))
  return [
    {
      title: { en: 'Records confirmed by three brokers, by records a send', ko: '한 번에 보내는 레코드 수와 처리량' },
      unit: 'records/s',
      bars: bars(({ perSecond }) => perSecond),
    },
    {
      title: { en: 'Until a send is confirmed', ko: '전송 한 번이 확인되기까지' },
      unit: 'ms',
      bars: bars(({ msPerSend }) => msPerSend),
    },
  ]
}
