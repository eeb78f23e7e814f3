import { crc32c } from '@platformatic/kafka'

type Bytes = Buffer | string

/** A header's name, length and all, as it stands in a record. */
export interface HeaderName {
  readonly encoded: Buffer
}

/** One record to send; the order of headers is kept, shared ones come first. Texts are sent as UTF-8. */
export interface OutgoingRecord {
  readonly topic: string
  /** By the key, where left out; of a record without one 0. */
  readonly partition?: number | undefined
  readonly key: Bytes | null
  readonly value: Bytes | null
  readonly headers: readonly (readonly [name: HeaderName, value: Bytes])[]
  /** What many records have alike is encoded once for all of them. */
  readonly sharedHeaders?: SharedHeaders | undefined
}

export interface SharedHeaders {
  readonly count: number
  readonly encoded: Buffer
}

/** Under which the broker recognises a batch that it has already. */
export interface BatchProducer {
  readonly id: bigint
  readonly epoch: number
  /** Of the first record. */
  readonly sequence: number
}

// Record batch v2: https://kafka.apache.org/documentation/#recordbatch
const BATCH_HEADER_BYTES = 61
const BATCH_LENGTH_AT = 8
const CRC_AT = 17
const ATTRIBUTES_AT = 21
const NO_LEADER_EPOCH = -1
const MAGIC = 2

/**
 * Records of one partition as Kafka's batch format v2, uncompressed. The library's own encoder makes a Buffer for every
 * number, some 45 of them a record: 16 µs instead of 2.
 */
export function encodeRecordBatch(
  records: readonly OutgoingRecord[],
  producer: BatchProducer,
  timestamp: number,
): Buffer {
  const sizes = records.map(sizeOf)
  let size = BATCH_HEADER_BYTES
  for (const own of sizes) size += varintBytes(own) + own
  const batch = Buffer.allocUnsafe(size)
  const writer = new Writer(batch, BATCH_HEADER_BYTES)
  for (const [index, record] of records.entries()) writeRecord(writer, record, sizes[index] as number, index)

  batch.writeBigInt64BE(0n, 0) // base offset: the broker's to give
  batch.writeInt32BE(size - BATCH_LENGTH_AT - 4, BATCH_LENGTH_AT)
  batch.writeInt32BE(NO_LEADER_EPOCH, 12)
  batch.writeInt8(MAGIC, 16)
  batch.writeInt16BE(0, ATTRIBUTES_AT)
  batch.writeInt32BE(records.length - 1, 23)
  batch.writeBigInt64BE(BigInt(timestamp), 27)
  batch.writeBigInt64BE(BigInt(timestamp), 35)
  batch.writeBigInt64BE(producer.id, 43)
  batch.writeInt16BE(producer.epoch, 51)
  batch.writeInt32BE(producer.sequence, 53)
  batch.writeInt32BE(records.length, 57)
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT)
  return batch
}

export function headerName(name: string): HeaderName {
  const bytes = Buffer.from(name, 'utf8')
  const encoded = Buffer.allocUnsafe(varintBytes(bytes.length) + bytes.length)
  new Writer(encoded, 0).bytes(bytes)
  return { encoded }
}

export function shareHeaders(headers: readonly (readonly [name: HeaderName, value: Bytes])[]): SharedHeaders {
  const encoded = Buffer.allocUnsafe(headers.reduce((all, header) => all + headerSize(header), 0))
  const writer = new Writer(encoded, 0)
  for (const header of headers) writeHeader(writer, header)
  return { count: headers.length, encoded }
}

// Record: length, attributes (1 byte), timestamp delta (0: 1 byte), offset delta, key, value, headers.
function sizeOf(record: OutgoingRecord, offsetDelta: number): number {
  const { key, value, headers, sharedHeaders } = record
  let size = 2 + varintBytes(offsetDelta) + sizeOfBytes(key) + sizeOfBytes(value)
  size += varintBytes(headers.length + (sharedHeaders?.count ?? 0)) + (sharedHeaders?.encoded.length ?? 0)
  for (const header of headers) size += headerSize(header)
  return size
}

function writeRecord(writer: Writer, record: OutgoingRecord, size: number, offsetDelta: number): void {
  const { key, value, headers, sharedHeaders } = record
  writer.varint(size)
  writer.varint(0) // attributes: a byte 0
  writer.varint(0) // timestamp delta
  writer.varint(offsetDelta)
  writer.bytes(key)
  writer.bytes(value)
  writer.varint(headers.length + (sharedHeaders?.count ?? 0))
  if (sharedHeaders !== undefined) writer.raw(sharedHeaders.encoded)
  for (const header of headers) writeHeader(writer, header)
}

function headerSize([name, value]: readonly [HeaderName, Bytes]): number {
  return name.encoded.length + sizeOfBytes(value)
}

function writeHeader(writer: Writer, [name, value]: readonly [HeaderName, Bytes]): void {
  writer.raw(name.encoded)
  writer.bytes(value)
}

function sizeOfBytes(bytes: Bytes | null): number {
  if (bytes === null) return 1 // -1 is one byte
  const length = typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length
  return varintBytes(length) + length
}

// Zigzag: a number that is not negative is doubled.
function varintBytes(value: number): number {
  const zigzag = value * 2
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x20_0000) return 3
  if (zigzag < 0x1000_0000) return 4
  return 5
}

class Writer {
  readonly #buffer: Buffer
  #at: number

  constructor(buffer: Buffer, at: number) {
    this.#buffer = buffer
    this.#at = at
  }

  /** Of a number that is not negative. */
  varint(value: number): void {
    let rest = value * 2
    while (rest >= 0x80) {
      this.#buffer[this.#at++] = (rest & 0x7f) | 0x80
      rest = Math.floor(rest / 128)
    }
    this.#buffer[this.#at++] = rest
  }

  /** Length and content; -1 for none. */
  bytes(bytes: Bytes | null): void {
    if (bytes === null) {
      this.#buffer[this.#at++] = 1
      return
    }
    if (typeof bytes !== 'string') {
      this.varint(bytes.length)
      this.raw(bytes)
      return
    }
    const length = Buffer.byteLength(bytes)
    this.varint(length)
    // As many bytes as letters: all ASCII, which is written without looking at it again.
    this.#buffer.write(bytes, this.#at, length, length === bytes.length ? 'latin1' : 'utf8')
    this.#at += length
  }

  raw(bytes: Buffer): void {
    bytes.copy(this.#buffer, this.#at)
    this.#at += bytes.length
  }
}
