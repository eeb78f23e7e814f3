import { OrderedProducer } from '@timesale/kafka/producer'
import { Offsets } from '@timesale/testkit/offsets'
import { shown } from '../framework/chart.ts'
import type { Bench } from '../framework/experiment.ts'
import { startServers } from '../framework/servers.ts'
import { recordsOf, sampleSends, type SendSample } from './sends.ts'

/** Records a send. */
export const SIZES = [1, 10, 100, 1_000, 5_000] as const
const RECORD_BYTES = 150
const SAMPLE_MS = 1_500
const WARM_UP_MS = 1_000

export type Size = (typeof SIZES)[number]
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
