import type { Fact } from '@timesale/contracts/event'
import { nextTraceparent } from '@timesale/telemetry/trace'
import { headerBytes, type StoredHeader } from './headers.ts'
import { headerName, shareHeaders, type OutgoingRecord, type SharedHeaders } from './record-batch.ts'

// How events wait in the outbox: many to a row, a line each, in the order they are to be sent. A row an event cost
// PostgreSQL more than everything else that an order writes.
//
//   =<topic> <type> <source> <time>                    what the events that follow have alike
//   <aggregate id> <version> <traceparent> <data>      an event; data is JSON, which has no raw tab and no line break
//   !<JSON>                                            any other record: a dead letter
//
// Fields are separated by tabs. Ids, types and topics hold neither tab nor line break (contracts/).

/** What one decision says of its facts. */
export interface Occasion {
  /** When it happened; becomes `ce_time`. */
  readonly at: Date
  /** The W3C trace context of the cause, for facts that bring none of their own. */
  readonly traceparent?: string | undefined
}

/** A row of the outbox. */
export interface OutboxRow {
  /** How many records it holds. */
  readonly events: number
  /** How much they will be on the wire, about, and never less. */
  readonly bytes: number
  readonly lines: string
}

// What one page holds: a longer text would be cut into pieces in another table, with an index entry each.
const ROW_CHARACTERS = 7_000
/** Of what every record has: lengths, names of headers, what stands in the line of the group. */
const OVERHEAD_BYTES = 400

export function eventRows(facts: readonly Fact[], occasion: Occasion): OutboxRow[] {
  const time = occasion.at.toISOString()
  const rows: OutboxRow[] = []
  let group = ''
  let lines = ''
  let events = 0
  for (const fact of facts) {
    const { topic, type, source } = fact.definition
    const own = `=${topic}\t${type}\t${source}\t${time}\n`
    if (own !== group || events === 0) lines += own
    group = own
    const trace = nextTraceparent(fact.traceparent ?? occasion.traceparent)
    lines += `${fact.aggregateId}\t${fact.version}\t${trace}\t${JSON.stringify(fact.data)}\n`
    events += 1
    if (lines.length < ROW_CHARACTERS) continue
    rows.push(rowOf(lines, events))
    lines = ''
    events = 0
  }
  if (events > 0) rows.push(rowOf(lines, events))
  return rows
}

/** A record that is not an event of ours. */
export interface LooseRecord {
  readonly topic: string
  readonly key: string | null
  readonly headers: readonly StoredHeader[]
  readonly value: Buffer | null
}

export function looseRow({ topic, key, headers, value }: LooseRecord): OutboxRow {
  const line: LooseLine = { topic, key, headers, value: value?.toString('base64') ?? null, encoding: 'base64' }
  return rowOf(`!${JSON.stringify(line)}\n`, 1)
}

interface LooseLine {
  readonly topic: string
  readonly key: string | null
  readonly headers: readonly StoredHeader[]
  readonly value: string | null
  readonly encoding: 'base64' | 'utf8'
}

function rowOf(lines: string, events: number): OutboxRow {
  return { events, bytes: Buffer.byteLength(lines) + events * OVERHEAD_BYTES, lines }
}

/** The records of a row, ready to be sent: CloudEvents 1.0, Kafka protocol binding, binary mode. */
export function readLines(lines: string): OutgoingRecord[] {
  const records: OutgoingRecord[] = []
  let group: { topic: string; shared: SharedHeaders } | undefined
  for (let at = 0; at < lines.length;) {
    const found = lines.indexOf('\n', at)
    const end = found === -1 ? lines.length : found
    if (lines[at] === '=') group = groupOf(lines.slice(at + 1, end))
    else if (lines[at] === '!') records.push(looseRecord(JSON.parse(lines.slice(at + 1, end)) as LooseLine))
    else if (group !== undefined) records.push(eventRecord(group, lines, at, end))
    at = end + 1
  }
  return records
}

const CE_ID = headerName('ce_id')
const CE_SUBJECT = headerName('ce_subject')
const CE_AGGREGATE_VERSION = headerName('ce_aggregateversion')
const TRACEPARENT = headerName('traceparent')

function eventRecord(
  group: { topic: string; shared: SharedHeaders },
  lines: string,
  at: number,
  end: number,
): OutgoingRecord {
  const version = lines.indexOf('\t', at) + 1
  const trace = lines.indexOf('\t', version) + 1
  const data = lines.indexOf('\t', trace) + 1
  const aggregateId = lines.slice(at, version - 1)
  const count = lines.slice(version, trace - 1)
  return {
    topic: group.topic,
    key: aggregateId,
    value: lines.slice(data, end),
    sharedHeaders: group.shared,
    headers: [
      [CE_ID, `${aggregateId}.${count}`],
      [CE_SUBJECT, aggregateId],
      [CE_AGGREGATE_VERSION, count],
      [TRACEPARENT, lines.slice(trace, data - 1)],
    ],
  }
}

const CE_SPECVERSION = headerName('ce_specversion')
const CE_TYPE = headerName('ce_type')
const CE_SOURCE = headerName('ce_source')
const CE_TIME = headerName('ce_time')
const CONTENT_TYPE = headerName('content-type')

function groupOf(line: string): { topic: string; shared: SharedHeaders } {
  const [topic = '', type = '', source = '', time = ''] = line.split('\t')
  const shared = shareHeaders([
    [CE_SPECVERSION, '1.0'],
    [CE_TYPE, type],
    [CE_SOURCE, source],
    [CE_TIME, time],
    [CONTENT_TYPE, 'application/json'],
  ])
  return { topic, shared }
}

function looseRecord({ topic, key, headers, value, encoding }: LooseLine): OutgoingRecord {
  return {
    topic,
    key,
    value: value === null ? null : Buffer.from(value, encoding),
    headers: headers.map((header) => {
      const [name, bytes] = headerBytes(header)
      return [headerName(name.toString('utf8')), bytes]
    }),
  }
}
