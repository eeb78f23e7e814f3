import { isUtf8 } from 'node:buffer'
import { EVENTS } from '@timesale/contracts/catalogue'
import type { RecordView } from '@timesale/contracts/console-api'
import { createDecoder, type Decoded, type RawRecord } from '@timesale/kafka/decode'

type Bytes = NonNullable<RecordView['value']>

/** Of each text: in lists, and of a record alone. */
export const CUT_IN_LISTS_BYTES = 2_048
export const CUT_ALONE_BYTES = 1024 * 1024
const HEADERS_MAX = 100

/** Shows records as people look at them; keeps nothing of them. */
export function recordViews(cutBytes: number): (record: RawRecord) => RecordView {
  return (record) => {
    const { topic, partition, offset, timestamp, key, value, headers } = record
    return {
      ...{ topic, partition, offset: String(offset), at: timeOf(timestamp) },
      key: bytesOf(key, cutBytes),
      value: bytesOf(value, cutBytes),
      headers: headers.slice(0, HEADERS_MAX).map(([name, told]) => ({
        name: bytesOf(name, cutBytes)?.text ?? '',
        value: bytesOf(told, cutBytes),
      })),
      ...eventOf(decode(record)),
    }
  }
}

// Its schemas take a tenth of a second to compile, so all share one; and it is made when somebody first looks.
let decoder: ReturnType<typeof createDecoder> | undefined

function decode(record: RawRecord): Decoded {
  decoder ??= createDecoder(EVENTS, EVENTS)
  return decoder(record)
}

function eventOf(decoded: Decoded): Pick<RecordView, 'event' | 'problem'> {
  if ('dead' in decoded) return { event: null, problem: `${decoded.dead.reason}: ${decoded.dead.message}` }
  const { type, source, aggregateId, version } = decoded.event
  return { event: { type, source, aggregateId, version }, problem: null }
}

function bytesOf(bytes: Buffer | null, cutBytes: number): Bytes | null {
  if (bytes === null) return null
  return isUtf8(bytes)
    ? { encoding: 'utf8', text: bytes.toString('utf8', 0, wholeLetters(bytes, cutBytes)), bytes: bytes.length }
    : { encoding: 'base64', text: bytes.toString('base64', 0, cutBytes), bytes: bytes.length }
}

// Where the last letter begins that would be cut in two.
function wholeLetters(bytes: Buffer, cutBytes: number): number {
  let end = Math.min(bytes.length, cutBytes)
  while (end > 0 && end < bytes.length && isInsideLetter(bytes[end] as number)) end -= 1
  return end
}

/** Of UTF-8: 10xxxxxx. */
function isInsideLetter(byte: number): boolean {
  return (byte & 0xc0) === 0x80
}

// Whoever writes a record may stamp it as he likes, also with what is no time: -1 where he does not.
function timeOf(timestamp: bigint): string {
  const at = new Date(Number(timestamp))
  return Number.isNaN(at.getTime()) || timestamp < 0n ? new Date(0).toISOString() : at.toISOString()
}
