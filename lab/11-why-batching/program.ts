import { RangeReader, type ReadSample } from './range-reader.ts'

// Reads from one offset to another, in a process that shares nothing with others but the machine.

/** What it is started with. */
export interface Given {
  readonly brokers: string
  readonly topic: string
  /** Offsets, `to` is not read any more. */
  readonly from: string
  readonly to: string
}

export type Told = 'reading' | ReadSample

const { brokers, topic, from, to } = JSON.parse(process.argv[2] ?? '{}') as Given
// Whoever started it is gone.
process.on('disconnect', () => process.exit(1))
await using reader = new RangeReader(brokers, topic)
tell('reading')
tell(await reader.read(BigInt(from), BigInt(to)))

function tell(told: Told): void {
  process.send?.(told)
}
