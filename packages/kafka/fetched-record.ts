import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka'
import type { RawRecord } from './decode.ts'
import { encodeRecordBatch, headerName } from './record-batch.ts'

/** What the records of a batch have alike. */
export interface RecordBatch {
  readonly topic: string
  readonly partition: number
  readonly bytes: Buffer
  readonly firstOffset: bigint
  readonly firstTimestamp: bigint
}

/**
 * A record where it lies in the broker's answer: a few numbers instead of a Buffer for each of its twenty fields. It
 * keeps the whole answer in memory, so it must not outlive the batch it is applied with.
 */
export class FetchedRecord implements RawRecord {
  readonly batch: RecordBatch
  readonly offsetDelta: number
  readonly timestampDelta: number
  readonly keyAt: number
  /** Below 0 where there is none. */
  readonly keyLength: number
  readonly valueAt: number
  readonly valueLength: number
  /** Their number, then each name and value with its length. */
  readonly headersAt: number
  readonly end: number

  constructor(batch: RecordBatch, cursor: Cursor) {
    this.batch = batch
    const length = cursor.varint()
    const end = cursor.at + length
    if (length < 0 || end > cursor.end) throw new MalformedRecords('A record is longer than its batch')
    cursor.skip(1) // attributes, which mean nothing yet
    this.timestampDelta = cursor.varint()
    this.offsetDelta = cursor.varint()
    this.keyLength = cursor.varint()
    this.keyAt = cursor.at
    cursor.skip(this.keyLength)
    this.valueLength = cursor.varint()
    this.valueAt = cursor.at
    cursor.skip(this.valueLength)
    this.headersAt = cursor.at
    if (cursor.at > end) throw new MalformedRecords('A record is longer than it says')
    this.end = end
    cursor.at = end
  }

  /** Any other record in this form. */
  static of(record: RawRecord): FetchedRecord {
    if (record instanceof FetchedRecord) return record
    const headers = record.headers.flatMap(([name, value]) =>
      // One without a name or a value says nothing to anybody who reads events.
      name === null || value === null ? [] : [[headerName(name.toString('latin1')), value] as const],
    )
    const batch = encodeRecordBatch([{ ...record, headers }], { id: -1n, epoch: -1, sequence: -1 }, 0)
    const { topic, partition } = record
    const [copy] = readRecordBatches(batch, 0, batch.length, { topic, partition, from: 0n }).records
    return copy as FetchedRecord
  }

  get topic(): string {
    return this.batch.topic
  }

  get partition(): number {
    return this.batch.partition
  }

  get offset(): bigint {
    return this.batch.firstOffset + BigInt(this.offsetDelta)
  }

  get timestamp(): bigint {
    return this.batch.firstTimestamp + BigInt(this.timestampDelta)
  }

  get key(): Buffer | null {
    return this.keyLength < 0 ? null : this.batch.bytes.subarray(this.keyAt, this.keyAt + this.keyLength)
  }

  get value(): Buffer | null {
    return this.valueLength < 0 ? null : this.batch.bytes.subarray(this.valueAt, this.valueAt + this.valueLength)
  }

  get headers(): [Buffer | null, Buffer | null][] {
    const { bytes } = this.batch
    const cursor = new Cursor(bytes, this.headersAt, this.end)
    const headers: [Buffer | null, Buffer | null][] = []
    try {
      for (let left = cursor.varint(); left > 0; left -= 1) {
        const name = slice(bytes, cursor)
        headers.push([name, slice(bytes, cursor)])
      }
    } catch (error) {
      // What can be read of them goes to the dead-letter topic: nothing may stand before all that is behind it.
      if (!(error instanceof MalformedRecords)) throw error
    }
    return headers
  }
}

/** Bytes that are no record batches: a fetch that is told so is tried again. */
export class MalformedRecords extends Error {
  override readonly name = 'MalformedRecords'
}

// Record batch v2: https://kafka.apache.org/documentation/#recordbatch
const LENGTH_AT = 8
const LENGTH_COUNTS_FROM = 12
const MAGIC_AT = 16
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const FIRST_TIMESTAMP_AT = 27
const COUNT_AT = 57
const HEADER_BYTES = 61
const MAGIC = 2
const COMPRESSION = 0b111
// Control batches mark transactions and hold nothing of ours. Bit 5, KIP-98.
const CONTROL = 0b10_0000

/** The partition that is read, and the offset that was asked for. */
export interface Place {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
}

/** The records from `place.from` on, and the offset behind the last batch; a batch that was cut off is left out. */
export function readRecordBatches(
  bytes: Buffer,
  start: number,
  end: number,
  place: Place,
): { records: FetchedRecord[]; to: bigint } {
  const records: FetchedRecord[] = []
  let to = place.from
  for (let at = start; at + LENGTH_COUNTS_FROM <= end;) {
    const batchEnd = at + LENGTH_COUNTS_FROM + bytes.readInt32BE(at + LENGTH_AT)
    if (batchEnd > end) break
    if (batchEnd < at + HEADER_BYTES) throw new MalformedRecords('A batch is shorter than its header')
    if (bytes.readInt8(at + MAGIC_AT) !== MAGIC) throw new MalformedRecords('A batch is not of the format v2')
    to = bytes.readBigInt64BE(at) + BigInt(bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT)) + 1n
    if ((bytes.readInt16BE(at + ATTRIBUTES_AT) & CONTROL) === 0) readBatch(bytes, at, batchEnd, place, records)
    at = batchEnd
  }
  return { records, to }
}

function readBatch(bytes: Buffer, at: number, end: number, place: Place, into: FetchedRecord[]): void {
  const { topic, partition } = place
  const firstOffset = bytes.readBigInt64BE(at)
  const firstTimestamp = bytes.readBigInt64BE(at + FIRST_TIMESTAMP_AT)
  const compression = bytes.readInt16BE(at + ATTRIBUTES_AT) & COMPRESSION
  const body = compression === 0 ? bytes : decompress(compression, bytes.subarray(at + HEADER_BYTES, end))
  const cursor = compression === 0 ? new Cursor(bytes, at + HEADER_BYTES, end) : new Cursor(body, 0, body.length)
  const batch: RecordBatch = { topic, partition, bytes: body, firstOffset, firstTimestamp }
  // A batch is sent whole, also what lies before the offset that was asked for.
  const firstDelta = Number(place.from - firstOffset)
  for (let left = bytes.readInt32BE(at + COUNT_AT); left > 0; left -= 1) {
    const record = new FetchedRecord(batch, cursor)
    if (record.offsetDelta >= firstDelta) into.push(record)
  }
}

function decompress(bitmask: number, compressed: Buffer): Buffer {
  const algorithm = compressionsAlgorithmsByBitmask[bitmask]
  if (algorithm === undefined) throw new MalformedRecords(`A batch is compressed in an unknown way: ${bitmask}`)
  return algorithm.decompressSync(compressed)
}

function slice(bytes: Buffer, cursor: Cursor): Buffer | null {
  const length = cursor.varint()
  const { at } = cursor
  cursor.skip(length)
  return length < 0 ? null : bytes.subarray(at, at + length)
}

/** Reads numbers and fields one after the other. */
export class Cursor {
  readonly bytes: Buffer
  at: number
  readonly end: number

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes
    this.at = at
    this.end = end
  }

  /** Zigzag, 7 bits a byte; exact up to 2^53. */
  varint(): number {
    const { bytes } = this
    let zigzag = 0
    for (let unit = 1; this.at < this.end; unit *= 128) {
      const byte = bytes[this.at++] as number
      zigzag += (byte & 0x7f) * unit
      if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    }
    throw new MalformedRecords('A number is cut off')
  }

  skip(length: number): void {
    if (length < 0) return
    this.at += length
    if (this.at > this.end) throw new MalformedRecords('A field is longer than what holds it')
  }
}
