import { Cursor, type FetchedRecord } from './fetched-record.ts'

/** Where a header's value lies in the answer of the broker; its length is 0 where there is none. */
export interface Span {
  at: number
  length: number
}

/**
 * Reads what the headers of one record after the other say of an event; valid until the next one is read. What differs
 * from event to event is found, and no text is made of it.
 *
 * Records of one flush begin with the same headers, byte for byte (outbox-lines.ts): one comparison of bytes stands for
 * reading them.
 */
export class EventHeaders {
  readonly id: Span = { at: 0, length: 0 }
  readonly subject: Span = { at: 0, length: 0 }
  readonly version: Span = { at: 0, length: 0 }
  readonly traceparent: Span = { at: 0, length: 0 }
  #said: Shared = NOTHING
  #remembered: Shared = NOTHING

  get specversion(): string {
    return this.#said.specversion
  }

  get type(): string {
    return this.#said.type
  }

  get source(): string {
    return this.#said.source
  }

  get time(): string {
    return this.#said.time
  }

  /** False where not a single `ce_` header is there: the record was not made by a service at all. */
  read(record: FetchedRecord): boolean {
    const { bytes } = record.batch
    const cursor = new Cursor(bytes, record.headersAt, record.end)
    if (!beginsWith(bytes, record.headersAt, record.end, this.#remembered.bytes)) {
      this.#remembered = readShared(cursor)
      cursor.at = record.headersAt
    }
    this.#said = this.#remembered
    cursor.skip(this.#said.length)
    this.id.length = 0
    this.subject.length = 0
    this.version.length = 0
    this.traceparent.length = 0
    let { isEvent } = this.#said
    for (let left = this.#said.left; left > 0; left -= 1) {
      const nameLength = cursor.varint()
      const nameAt = cursor.at
      cursor.skip(nameLength)
      const length = cursor.varint()
      const at = cursor.at
      cursor.skip(length)
      if (nameLength < 0 || length < 0) continue
      const name = nameOf(bytes, nameAt, nameLength)
      isEvent ||= isCloudEvents(bytes, nameAt, nameLength)
      if (name === undefined) continue
      if (isOwn(name)) {
        this[name].at = at
        this[name].length = length
      } else this.#said = { ...this.#said, [name]: bytes.toString('utf8', at, at + length) }
    }
    return isEvent
  }
}

type SharedName = 'specversion' | 'type' | 'source' | 'time'
type OwnName = 'id' | 'subject' | 'version' | 'traceparent'

/** What the headers say that stand before the first one of the event's own. */
interface Shared extends Readonly<Record<SharedName, string>> {
  /** How long they are, with the number of all headers before them, and how many follow. */
  readonly length: number
  readonly left: number
  readonly isEvent: boolean
  /** A copy, since the answer that they came in must not stay for their sake; empty where they are not worth one. */
  readonly bytes: Buffer
}

const REMEMBERED_BYTES = 512
const NOTHING: Shared = {
  ...{ specversion: '', type: '', source: '', time: '', length: 0, left: 0, isEvent: false, bytes: Buffer.alloc(0) },
}

function readShared(cursor: Cursor): Shared {
  const { bytes, at: start } = cursor
  const texts: Record<SharedName, string> = { specversion: '', type: '', source: '', time: '' }
  let isEvent = false
  let left = cursor.varint()
  let end = cursor.at
  for (; left > 0; left -= 1) {
    const nameLength = cursor.varint()
    const nameAt = cursor.at
    cursor.skip(nameLength)
    const name = nameOf(bytes, nameAt, nameLength)
    if (name !== undefined && isOwn(name)) break
    isEvent ||= isCloudEvents(bytes, nameAt, nameLength)
    const length = cursor.varint()
    if (name !== undefined && length >= 0) texts[name] = bytes.toString('utf8', cursor.at, cursor.at + length)
    cursor.skip(length)
    end = cursor.at
  }
  const length = end - start
  const copy = length <= REMEMBERED_BYTES ? Buffer.from(bytes.subarray(start, end)) : NOTHING.bytes
  return { ...texts, length, left, isEvent, bytes: copy }
}

function isOwn(name: SharedName | OwnName): name is OwnName {
  return name === 'id' || name === 'subject' || name === 'version' || name === 'traceparent'
}

const NAMES = new Map<number, readonly (readonly [Buffer, SharedName | OwnName])[]>([
  ...Map.groupBy(
    [
      [Buffer.from('ce_specversion'), 'specversion'],
      [Buffer.from('ce_type'), 'type'],
      [Buffer.from('ce_source'), 'source'],
      [Buffer.from('ce_id'), 'id'],
      [Buffer.from('ce_subject'), 'subject'],
      [Buffer.from('ce_time'), 'time'],
      [Buffer.from('ce_aggregateversion'), 'version'],
      [Buffer.from('traceparent'), 'traceparent'],
    ] as const,
    ([bytes]) => bytes.length,
  ),
])
const CLOUD_EVENTS = Buffer.from('ce_')

function nameOf(bytes: Buffer, at: number, length: number): SharedName | OwnName | undefined {
  return NAMES.get(length)?.find(([name]) => isAt(bytes, at, name))?.[1]
}

function isCloudEvents(bytes: Buffer, at: number, length: number): boolean {
  return length >= CLOUD_EVENTS.length && isAt(bytes, at, CLOUD_EVENTS)
}

function isAt(bytes: Buffer, at: number, wanted: Buffer): boolean {
  for (let index = 0; index < wanted.length; index += 1) if (bytes[at + index] !== wanted[index]) return false
  return true
}

function beginsWith(bytes: Buffer, at: number, end: number, wanted: Buffer): boolean {
  const { length } = wanted
  return length > 0 && at + length <= end && bytes.compare(wanted, 0, length, at, at + length) === 0
}
