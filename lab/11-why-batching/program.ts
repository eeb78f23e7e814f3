import { RangeReader } from './range-reader.ts'

// Reads from one offset to another in a process of its own: `program.ts BROKERS TOPIC FROM TO`. Says 'reading' and then what it has read.

const [brokers, topic, from, to] = process.argv.slice(2) as [string, string, string, string]
// Whoever started it is gone.
process.on('disconnect', () => process.exit(1))
await using reader = new RangeReader(brokers, topic)
process.send?.('reading')
const sample = await reader.read(BigInt(from), BigInt(to))
process.send?.(sample, undefined, undefined, () => process.exit(0))
