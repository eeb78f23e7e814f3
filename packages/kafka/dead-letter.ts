import { hash } from 'node:crypto'
import { deadLetterTopic } from '@timesale/contracts/topics'
import type { Tx } from '@timesale/postgres/sql'
import { VALUE_LIMIT_BYTES, type RawRecord, type Undecodable } from './decode.ts'
import { storeHeader, type StoredHeader } from './headers.ts'
import { insertOutboxRows } from './outbox.ts'
import { looseRow } from './outbox-lines.ts'

/**
 * Sends records to the consumer's dead-letter topics, through the outbox, once each however often they are delivered.
 * The value stays as it was, the record's own headers too; `dlq_*` headers say where it came from and why it is here.
 * Answers the ones that are new.
 */
export async function writeDeadLetters(tx: Tx, group: string, letters: readonly Undecodable[]): Promise<Undecodable[]> {
  if (letters.length === 0) return []
  const rows = await tx<{ topic: string; partition: number; offset: string }>`
    insert into dead_letters (consumer, topic, partition, "offset", reason)
    select ${group}, * from unnest(
      ${letters.map(({ record }) => record.topic)}::text[],
      ${letters.map(({ record }) => record.partition)}::int[],
      ${letters.map(({ record }) => String(record.offset))}::bigint[],
      ${letters.map(({ reason }) => reason)}::text[])
    on conflict do nothing
    returning topic, partition, "offset"`
  const fresh = new Set(rows.map((row) => `${row.topic} ${row.partition} ${row.offset}`))
  const written = letters.filter(({ record }) => fresh.has(`${record.topic} ${record.partition} ${record.offset}`))
  if (written.length === 0) return []

  const now = new Date().toISOString()
  await insertOutboxRows(
    tx,
    written.map((letter) =>
      looseRow({
        topic: deadLetterTopic(letter.record.topic, group),
        key: textKey(letter.record.key),
        headers: deadLetterHeaders(letter, group, now),
        value: keptValue(letter.record.value),
      }),
    ),
  )
  return written
}

// A record may bring a megabyte of key and headers. With what is said of it here it must still fit a topic.
const KEY_LIMIT_BYTES = 16 * 1024
const HEADERS_LIMIT_BYTES = 128 * 1024

function deadLetterHeaders({ record, reason, message }: Undecodable, group: string, at: string): StoredHeader[] {
  const own: StoredHeader[] = [
    ['dlq_reason', reason],
    ['dlq_message', message.slice(0, 1_000)],
    ['dlq_topic', record.topic],
    ['dlq_partition', String(record.partition)],
    ['dlq_offset', String(record.offset)],
    ['dlq_timestamp', String(record.timestamp)],
    ['dlq_group', group],
    ['dlq_attempts', '1'],
    ['dlq_first_at', at],
    ['dlq_last_at', at],
  ]
  if (record.key !== null && record.key.length > KEY_LIMIT_BYTES) {
    own.push(['dlq_key_bytes', String(record.key.length)])
    own.push(['dlq_key_sha256', hash('sha256', record.key, 'hex')])
  } else if (record.key !== null && textKey(record.key) === null) {
    own.push(['dlq_key', record.key.toString('base64'), 'base64'])
  }
  if (record.value !== null && keptValue(record.value) === null) {
    own.push(['dlq_value_bytes', String(record.value.length)])
    own.push(['dlq_value_sha256', hash('sha256', record.value, 'hex')])
  }
  const kept = keptHeaders(record.headers)
  if (kept.length < record.headers.length) {
    own.push(['dlq_headers_left_out', String(record.headers.length - kept.length)])
  }
  return [...own, ...kept.map(([name, value]) => storeHeader(name ?? Buffer.alloc(0), value))]
}

function keptHeaders(headers: RawRecord['headers']): RawRecord['headers'] {
  let bytes = 0
  return headers.slice(0, 50).filter(([name, value]) => {
    const own = (name?.length ?? 0) + (value?.length ?? 0)
    const fits = bytes + own <= HEADERS_LIMIT_BYTES
    if (fits) bytes += own
    return fits
  })
}

// PostgreSQL's text holds neither U+0000 nor bytes that are not UTF-8.
function textKey(key: Buffer | null): string | null {
  if (key === null || key.length > KEY_LIMIT_BYTES) return null
  const text = key.toString('utf8')
  return text.includes('\0') || !Buffer.from(text, 'utf8').equals(key) ? null : text
}

// A record too large for a dead-letter topic would block the relay for ever: a pointer and a hash stand for it.
function keptValue(value: Buffer | null): Buffer | null {
  return value !== null && value.length <= VALUE_LIMIT_BYTES ? value : null
}
