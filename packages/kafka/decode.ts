import { hash } from 'node:crypto'
import type { Static, TSchema } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { SOURCES, eventId, type EventDefinition, type Ordering, type Source } from '@timesale/contracts/event'

/** A record as it came from a topic, untouched. */
export interface RawRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since the epoch, set by the producer. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[]
}

/** A record that is an event of the shop. */
export interface ReceivedEvent<Data = unknown> {
  readonly type: string
  readonly source: Source
  readonly ordering: Ordering
  readonly aggregateId: string
  readonly version: number
  /** Over type and value, to tell a redelivery from another body under the same id. */
  readonly hash: string
  readonly time: Date
  readonly traceparent: string | undefined
  /** Absent where this consumer has no use for the type: the event then only moves the version. */
  readonly definition: EventDefinition | undefined
  readonly data: Data
  readonly record: RawRecord
}

/** Why a record can never be applied, whatever is tried. */
export type DeadLetterReason =
  | 'no-headers'
  | 'bad-headers'
  | 'wrong-key'
  | 'wrong-topic'
  | 'unknown-version'
  | 'too-large'
  | 'no-value'
  | 'not-json'
  | 'wrong-schema'
  | 'id-conflict'

/** Whether an event is of this kind; its data then has that kind's shape, which the decoder has checked. */
export function isEvent<Schema extends TSchema>(
  event: ReceivedEvent,
  definition: EventDefinition<Schema>,
): event is ReceivedEvent<Static<Schema>> {
  return event.type === definition.type
}

export interface Undecodable {
  readonly reason: DeadLetterReason
  readonly message: string
  readonly record: RawRecord
}

export type Decoded = { readonly event: ReceivedEvent } | { readonly dead: Undecodable }

export const VALUE_LIMIT_BYTES = 256 * 1024
const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/
const VERSION_LIMIT = 2 ** 31 - 1
const SUBJECT = /^[A-Za-z0-9._~-]{1,64}$/
const TYPE = /^([a-z]+(?:\.[a-z-]+)+)\.v([1-9][0-9]{0,3})$/

/** Reads records for a consumer that understands `known` and uses `used` of them. */
export function createDecoder(
  known: readonly EventDefinition[],
  used: readonly EventDefinition[],
): (record: RawRecord) => Decoded {
  const byType = new Map(known.map((definition) => [definition.type, definition]))
  const names = new Set(known.map((definition) => nameOf(definition.type)))
  const usedTypes = new Set(used.map((definition) => definition.type))
  const validators = new Map<string, Validator>(
    known.map((definition) => [definition.type, Compile(definition.schema)]),
  )

  const readHeaders = createHeaderReader()
  let lastTime = { text: '', at: new Date(Number.NaN) }

  return (record) => {
    const dead = (reason: DeadLetterReason, message: string): Decoded => ({ dead: { reason, message, record } })
    const headers = readHeaders(record)
    if (headers === undefined) return dead('no-headers', 'The record has no CloudEvents headers')

    const { type, source, id, subject, time, version: versionText } = headers
    const version = /^[1-9][0-9]{0,9}$/.test(versionText) ? Number(versionText) : 0
    if (headers.specversion !== '1.0') return dead('bad-headers', `ce_specversion is ${headers.specversion}`)
    if (!SUBJECT.test(subject)) return dead('bad-headers', 'ce_subject is not an id')
    if (version < 1 || version > VERSION_LIMIT) return dead('bad-headers', 'ce_aggregateversion is not a version')
    if (id !== eventId(subject, version)) return dead('bad-headers', 'ce_id is not <subject>.<version>')
    if (!isSource(source)) return dead('bad-headers', `ce_source ${source} is not known`)
    if (!TYPE.test(type)) return dead('bad-headers', 'ce_type is not <name>.v<major>')
    // All events of a flush have the same.
    if (time !== lastTime.text) lastTime = { text: time, at: new Date(RFC_3339.test(time) ? time : Number.NaN) }
    const { at } = lastTime
    if (Number.isNaN(at.getTime())) return dead('bad-headers', 'ce_time is not a time')
    if (record.key === null || record.key.toString('utf8') !== subject)
      return dead('wrong-key', 'The key is not ce_subject')

    const definition = byType.get(type)
    if (definition === undefined && names.has(nameOf(type))) return dead('unknown-version', `${type} is not known`)
    if (definition !== undefined && (definition.topic !== record.topic || definition.source !== source)) {
      return dead('wrong-topic', `${type} belongs to ${definition.topic} and comes from ${definition.source}`)
    }
    if (SOURCES[source].topic !== record.topic)
      return dead('wrong-topic', `${source} publishes on ${SOURCES[source].topic}`)
    if (record.value === null) return dead('no-value', 'The record has no value')
    // Checked before parsing: a deep or huge value must cost nothing.
    if (record.value.length > VALUE_LIMIT_BYTES) return dead('too-large', `The value has ${record.value.length} bytes`)

    let data: unknown
    if (definition !== undefined) {
      try {
        data = JSON.parse(utf8.decode(record.value))
      } catch (error) {
        return dead('not-json', `The value is not JSON: ${(error as Error).message}`)
      }
      const validator = validators.get(type) as Validator
      if (!validator.Check(data)) {
        const [first] = validator.Errors(data)
        return dead(
          'wrong-schema',
          `${first?.instancePath ?? ''} ${first?.message ?? 'does not fit the schema'}`.trim(),
        )
      }
      // Else a record could act on one order under the version of another.
      const id = (data as Record<string, unknown>)[definition.idField]
      if (id !== subject) return dead('wrong-schema', `/${definition.idField} is not ce_subject`)
    }
    const event: ReceivedEvent = {
      type,
      source,
      ordering: SOURCES[source].ordering,
      aggregateId: subject,
      version,
      hash: hash('sha256', Buffer.concat([Buffer.from(`${type}\n`), record.value]), 'base64url').slice(0, 22),
      time: at,
      traceparent: headers.traceparent,
      definition: definition !== undefined && usedTypes.has(type) ? definition : undefined,
      data,
      record,
    }
    return { event }
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function nameOf(type: string): string {
  return type.slice(0, type.lastIndexOf('.v'))
}

function isSource(source: string): source is Source {
  return Object.hasOwn(SOURCES, source)
}

interface EventHeaders {
  specversion: string
  type: string
  source: string
  id: string
  subject: string
  time: string
  version: string
  traceparent: string | undefined
}

// Undefined where not a single ce_ header is there: the record was not made by a service at all.
function createHeaderReader(): (record: RawRecord) => EventHeaders | undefined {
  const names = new RepeatedTexts()
  const values = new RepeatedTexts()
  return (record) => {
    const found: EventHeaders = {
      ...{ specversion: '', type: '', source: '', id: '', subject: '', time: '', version: '', traceparent: undefined },
    }
    let isEvent = false
    for (const [index, [name, value]] of record.headers.entries()) {
      if (name === null || value === null) continue
      const nameText = names.read(index, name)
      isEvent ||= nameText.startsWith('ce_')
      const field = FIELDS.get(nameText)
      if (field !== undefined) found[field] = values.read(index, value)
    }
    return isEvent ? found : undefined
  }
}

const FIELDS: ReadonlyMap<string, keyof EventHeaders> = new Map([
  ['ce_specversion', 'specversion'],
  ['ce_type', 'type'],
  ['ce_source', 'source'],
  ['ce_id', 'id'],
  ['ce_subject', 'subject'],
  ['ce_time', 'time'],
  ['ce_aggregateversion', 'version'],
  ['traceparent', 'traceparent'],
])

/**
 * Texts of which the next one at a place is mostly the same: the headers of a topic's records. Comparing bytes is ten
 * times cheaper than making a text of them.
 */
class RepeatedTexts {
  readonly #seen: { bytes: Buffer; text: string }[] = []

  read(place: number, bytes: Buffer): string {
    const seen = this.#seen[place]
    if (seen !== undefined && seen.bytes.equals(bytes)) return seen.text
    const text = bytes.toString('utf8')
    // A copy: the bytes themselves are a piece of a whole answer of the broker, which would stay for its sake.
    if (place < REMEMBERED_HEADERS && bytes.length <= REMEMBERED_BYTES)
      this.#seen[place] = { bytes: Buffer.from(bytes), text }
    return text
  }
}

const REMEMBERED_HEADERS = 16
const REMEMBERED_BYTES = 64
