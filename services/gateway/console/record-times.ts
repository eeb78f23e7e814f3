import { placeOf, type Cluster, type PartitionState } from '@timesale/kafka/cluster'

/** Of so many records in one look; those behind them have their turn in the next one. */
const READS_MAX = 24
// Brokers give out a whole batch, however little is asked for.
const LEAST = { maxBytes: 1, maxWaitMs: 0 }

export interface WantedTime {
  readonly place: string
  readonly offset: number
}

/** When single records were written, as they say themselves: for those that came before anybody watched. */
export class RecordTimes {
  #times: ReadonlyMap<string, number> = new Map()

  /** In milliseconds since the epoch; undefined where it was not read. */
  at(place: string, offset: number): number | undefined {
    return this.#times.get(keyOf({ place, offset }))
  }

  /** Those that are wanted, and no others any more; one that cannot be read is left out. */
  async read(cluster: Cluster, partitions: readonly PartitionState[], wanted: readonly WantedTime[]): Promise<void> {
    const kept = wanted.flatMap((one) => {
      const at = this.at(one.place, one.offset)
      return at === undefined ? [] : [[keyOf(one), at] as const]
    })
    const places = new Map(partitions.map((partition) => [placeOf(partition.topic, partition.partition), partition]))
    const missing = wanted.filter(({ place, offset }) => this.at(place, offset) === undefined).slice(0, READS_MAX)
    const found = await Promise.all(
      missing.map(async (one) => [keyOf(one), await timeOf(cluster, places.get(one.place), one.offset)] as const),
    )
    this.#times = new Map([...kept, ...found.flatMap(([key, at]) => (at === undefined ? [] : [[key, at] as const]))])
  }
}

async function timeOf(
  cluster: Cluster,
  partition: PartitionState | undefined,
  offset: number,
): Promise<number | undefined> {
  if (partition === undefined || partition.leader < 0) return undefined
  const { topic, partition: index, leader } = partition
  const positions = [{ topic, partition: index, offset: BigInt(offset) }]
  try {
    const { records } = await cluster.fetch(leader, { ...LEAST, positions })
    return records[0] === undefined ? undefined : Number(records[0].timestamp)
  } catch {
    // Retention was quicker, or the leader has just gone; no reason to see nothing of all else.
    return undefined
  }
}

function keyOf({ place, offset }: WantedTime): string {
  return `${place} ${offset}`
}
