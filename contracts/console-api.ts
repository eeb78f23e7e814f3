import Type, { type Static } from 'typebox'
import { Instant } from './fields.ts'
import { Role } from './roles.ts'

// What the gateway tells and does for the console, under /api/console. For operators; what changes anything also needs a
// gateway that was started with GATEWAY_CONSOLE_ACTIONS=on.

const count = Type.Integer({ minimum: 0 })
const rate = Type.Number({ minimum: 0, description: 'A second, over the last seconds' })
const asOf = Type.String({ format: 'date-time', description: "When it was read, by the gateway's clock" })
const offset = Type.String({ pattern: '^[0-9]{1,19}$', description: 'Of a 64-bit number' })
const orNull = <Schema extends Type.TSchema>(schema: Schema, description: string) =>
  Type.Union([schema, Type.Null()], { description })
const TOPIC_NAME = '^(?!\\.{1,2}$)[A-Za-z0-9._-]{1,249}$'
const TopicName = Type.String({ pattern: TOPIC_NAME, description: 'A topic, as Kafka names it' })
const GroupName = Type.String({ minLength: 1, maxLength: 255, description: 'A consumer group' })

/** `GET /api/console`, for everybody: what a console has to know before anybody is logged in. */
export const ConsoleAbout = Type.Object({
  actions: Type.Boolean({ description: 'Whether operators may do things here, or only look' }),
  supervised: Type.Boolean({
    description: 'Whether parts can be stopped and started, and a rush begun: a local start',
  }),
  people: Type.Array(Type.Object({ email: Type.String(), password: Type.String(), roles: Type.Array(Role) }), {
    description: 'Who can be logged in as on a local start; empty elsewhere',
  }),
})
export type ConsoleAbout = Static<typeof ConsoleAbout>

// --- Live

export const PART_KINDS = ['service', 'database', 'broker', 'cache'] as const
export const PART_STATES = ['running', 'starting', 'restarting', 'paused', 'stopped', 'external', 'unknown'] as const
export const PART_ACTIONS = ['stop', 'start', 'kill', 'pause', 'resume', 'restart'] as const
export type PartActionName = (typeof PART_ACTIONS)[number]

/** `unknown`: without a supervisor nobody has heard from it yet. `external`: a server of the user's own. */
export const PartView = Type.Object({
  name: Type.String({ description: 'order, postgres-order, kafka-1, redis …' }),
  kind: Type.Enum([...PART_KINDS]),
  state: Type.Enum([...PART_STATES]),
  port: count,
})
export type PartView = Static<typeof PartView>

export const GroupLagView = Type.Object({
  group: GroupName,
  lagRecords: orNull(count, 'Records not worked off; null where the group has committed nothing that can be read'),
  lagSeconds: orNull(
    Type.Number({ minimum: 0 }),
    'How long ago the oldest record that is not worked off was written; 0 without lag; null where not known',
  ),
  perSecond: rate,
  drainSeconds: orNull(
    Type.Number({ minimum: 0 }),
    'Until it has caught up, at the rates of the last seconds; null where it falls behind or stands still',
  ),
  topics: Type.Array(Type.Object({ topic: TopicName, lagRecords: count, perSecond: rate })),
})
export type GroupLagView = Static<typeof GroupLagView>

/** Accepted = open + confirmed + rejected + cancelled, or an order is lost or counted twice. */
export const OrderTotals = Type.Object({
  accepted: Type.Integer({ minimum: 0, description: 'Orders that were ever placed, by the history' }),
  open: count,
  confirmed: count,
  rejected: count,
  cancelled: count,
})
export type OrderTotals = Static<typeof OrderTotals>

/** Units of all products together. initial = available + reserved + sold. */
export const StockTotals = Type.Object({
  products: count,
  initial: count,
  available: count,
  reserved: count,
  sold: count,
})
export type StockTotals = Static<typeof StockTotals>

/** What a service that publishes has not sent yet. */
export const OutboxView = Type.Object({
  service: Type.String(),
  rows: Type.Integer({ minimum: 0, description: 'A row holds many events' }),
  events: count,
  oldestSeconds: orNull(Type.Number({ minimum: 0 }), 'null where nothing waits'),
})
export type OutboxView = Static<typeof OutboxView>

export const RUSH_STATES = ['running', 'held', 'broken', 'failed', 'stopped'] as const

/**
 * The last rush that was begun here. `held`: the verdict is that everything holds; `broken`: it is not, and `findings` says
 * what; `failed`: it could not begin or ended without a verdict; `stopped`: by an operator.
 */
export const RushView = Type.Object({
  id: count,
  state: Type.Enum([...RUSH_STATES]),
  startedAt: Instant,
  endedAt: orNull(Instant, 'null while it runs'),
  buyers: count,
  units: count,
  seed: count,
  says: Type.Array(Type.String(), { description: 'Its last lines, or the verdict' }),
})
export type RushView = Static<typeof RushView>

/** `data` of the event `live` of `GET /api/console/live`, one a second. What could not be read is null. */
export const LiveView = Type.Object({
  at: Type.String({ format: 'date-time', description: "The gateway's clock when this was sent" }),
  parts: orNull(Type.Object({ asOf, list: Type.Array(PartView) }), 'null: the supervisor does not answer'),
  topics: orNull(
    Type.Object({
      asOf,
      list: Type.Array(Type.Object({ topic: TopicName, records: count, perSecond: rate })),
    }),
    'null: Kafka does not answer',
  ),
  groups: orNull(Type.Object({ asOf, list: Type.Array(GroupLagView) }), 'null: Kafka does not answer'),
  orders: orNull(Type.Object({ asOf, totals: OrderTotals, acceptedPerSecond: rate }), 'null: order does not answer'),
  stock: orNull(Type.Object({ asOf, totals: StockTotals }), 'null: stock does not answer'),
  outboxes: Type.Array(Type.Object({ asOf, outbox: OutboxView })),
  redis: Type.Object({ asOf, reachable: Type.Boolean() }),
  rush: orNull(
    Type.Object({ asOf, last: orNull(RushView, 'null: none was begun since the start') }),
    'null: the supervisor does not answer',
  ),
})
export type LiveView = Static<typeof LiveView>

/** `data` of the event `happened` of the same stream: what somebody did, or what was seen to change. Its id is the event's. */
export const Happened = Type.Object({
  id: count,
  at: Instant,
  about: Type.String({ description: 'A part, a group, a topic, `rush`, or `books`' }),
  kind: Type.Enum(['action', 'state', 'books', 'rush', 'topic']),
  good: Type.Boolean({ description: 'false: something is down or wrong' }),
  what: Type.Object({
    en: Type.String({ description: 'A sentence' }),
    ko: Type.String({ description: 'The same in Korean' }),
  }),
})
export type Happened = Static<typeof Happened>

/** Of `GET /api/console/live`, from a console that comes back. */
export const LiveHeaders = Type.Object({
  'last-event-id': Type.Optional(
    Type.String({ pattern: '^[0-9]{1,16}$', description: 'The id of the last event that was received' }),
  ),
})

export const PartActionParams = Type.Object(
  {
    part: Type.String({ pattern: '^[a-z0-9-]{1,64}$' }),
    action: Type.Enum([...PART_ACTIONS]),
  },
  { additionalProperties: false },
)
/** `POST /api/console/parts/:part/:action` answers when it is so. */
export const PartActionAnswer = Type.Object({ said: Type.String() })
export type PartActionAnswer = Static<typeof PartActionAnswer>

/** `POST /api/console/rush`; 409 while one runs. `DELETE /api/console/rush` stops it. */
export const StartRush = Type.Object(
  {
    buyers: Type.Optional(Type.Integer({ minimum: 1, maximum: 200_000, description: '5,000 by default' })),
    units: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000, description: '500 by default' })),
    perSecond: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 20_000, description: 'Buyers a second; 500 by default' }),
    ),
    seed: Type.Optional(Type.Integer({ minimum: 0, maximum: 999_999_999 })),
  },
  { additionalProperties: false },
)
export type StartRush = Static<typeof StartRush>

// --- Topics

export const TopicSummary = Type.Object({
  topic: TopicName,
  partitions: count,
  replicas: count,
  records: Type.Integer({
    minimum: 0,
    description:
      'From the first offset of each partition to its end; a few more than there are, where some were compacted away',
  }),
  perSecond: orNull(rate, 'null where it has not been watched long enough'),
  kind: Type.Enum(['shop', 'dead-letter', 'playground', 'internal', 'other']),
  protected: Type.Boolean({ description: 'Not to be deleted or produced to from here' }),
  producers: Type.Array(Type.String(), { description: 'Services of the shop that write it' }),
  groups: Type.Array(GroupName, { description: 'Groups of the shop that read it' }),
})
export type TopicSummary = Static<typeof TopicSummary>
/** `GET /api/console/topics` */
export const TopicList = Type.Object({ asOf, topics: Type.Array(TopicSummary) })
export type TopicList = Static<typeof TopicList>

const node = Type.Integer({ minimum: -1, description: 'A broker by its id; -1: none' })

/** `GET /api/console/topics/:topic` */
export const TopicDetail = Type.Object({
  asOf,
  ...TopicSummary.properties,
  partitionList: Type.Array(
    Type.Object({
      partition: count,
      leader: node,
      replicas: Type.Array(node),
      inSync: Type.Array(node),
      first: orNull(offset, 'null: nobody leads it'),
      end: orNull(offset, 'One past the last record; null: nobody leads it'),
    }),
  ),
  configs: Type.Array(Type.Object({ name: Type.String(), value: Type.String(), isDefault: Type.Boolean() })),
})
export type TopicDetail = Static<typeof TopicDetail>

export const TopicParams = Type.Object({ topic: TopicName }, { additionalProperties: false })

export const RecordParams = Type.Object(
  { topic: TopicName, partition: Type.String({ pattern: '^[0-9]{1,5}$' }), offset },
  { additionalProperties: false },
)

/** Key, value and headers as text where they are UTF-8; `base64` of what is not. */
const Bytes = Type.Object({
  encoding: Type.Enum(['utf8', 'base64']),
  text: Type.String(),
  bytes: Type.Integer({ minimum: 0, description: 'Of all of it; text may be cut to its beginning in lists' }),
})

/** Alone (`GET /api/console/topics/:topic/records/:partition/:offset`) its texts are whole up to 1 MB; in lists up to 2 KB. */
export const RecordView = Type.Object({
  topic: TopicName,
  partition: count,
  offset,
  at: Type.String({ format: 'date-time', description: "The record's timestamp" }),
  key: orNull(Bytes, 'null: no key'),
  value: orNull(Bytes, 'null: no value'),
  headers: Type.Array(Type.Object({ name: Type.String(), value: orNull(Bytes, 'null: no value') }), {
    description: 'The first 100',
  }),
  event: orNull(
    Type.Object({ type: Type.String(), source: Type.String(), aggregateId: Type.String(), version: count }),
    'As a consumer of the shop reads it; null where it is none',
  ),
  problem: orNull(Type.String(), 'Why it is no event of the shop; null where it is one'),
})
export type RecordView = Static<typeof RecordView>

/**
 * `GET /api/console/topics/:topic/records`. Newest first, unless `from` or `since` asks for those from there on, oldest first.
 * With `key` only its partition is searched, or the one that is named.
 */
export const RecordsQuery = Type.Object(
  {
    partition: Type.Optional(Type.String({ pattern: '^[0-9]{1,5}$' })),
    from: Type.Optional(
      Type.String({ pattern: '^[0-9]{1,19}$', description: 'Offset; needs `partition`, and is not for `since`' }),
    ),
    since: Type.Optional(
      Type.String({
        format: 'date-time',
        description: 'From the first record of each partition that was stamped then or later',
      }),
    ),
    key: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
    text: Type.Optional(
      Type.String({ minLength: 1, maxLength: 200, description: 'Is in the value or a header, letter by letter' }),
    ),
    limit: Type.Optional(
      Type.String({ pattern: '^([1-9][0-9]?|[1-4][0-9]{2}|500)$', description: '1 to 500, 50 by default' }),
    ),
  },
  { additionalProperties: false },
)
export const RecordPage = Type.Object({
  asOf,
  records: Type.Array(RecordView),
  searched: Type.Integer({ minimum: 0, description: 'Records looked at' }),
  complete: Type.Boolean({ description: 'false: time was up before everything that was asked for had been looked at' }),
})
export type RecordPage = Static<typeof RecordPage>

/**
 * `data` of the event `records` of `GET /api/console/topics/:topic/tail`: at most two a second and 100 records each, and one
 * every five seconds where nothing comes. Starts at the end.
 */
export const TailEvent = Type.Object({
  at: asOf,
  reachable: Type.Boolean({ description: 'false: Kafka does not answer; it goes on by itself where it was' }),
  records: Type.Array(RecordView),
  skipped: Type.Integer({ minimum: 0, description: 'Records that came and are left out, since there were too many' }),
})
export type TailEvent = Static<typeof TailEvent>

/** `POST /api/console/topics`: a playground topic. 201 with the same when it can be used; 409 where it is there. */
export const CreateTopic = Type.Object(
  {
    topic: Type.String({
      pattern: TOPIC_NAME,
      description: 'Begins with `play-`, or is one of the playground topics of a local start',
    }),
    partitions: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, description: '1 by default' })),
  },
  { additionalProperties: false },
)
export type CreateTopic = Static<typeof CreateTopic>

/** `DELETE /api/console/topics/:topic`: 204 when it is gone. Protected ones are refused whatever is typed. */
export const DeleteTopicQuery = Type.Object(
  { confirm: Type.String({ maxLength: 249, description: 'The name once more' }) },
  { additionalProperties: false },
)

/**
 * `POST /api/console/topics/:topic/records`: to a topic that is not protected; 201. On 504 nobody knows whether the record is
 * there.
 */
export const ProduceRecord = Type.Object(
  {
    key: Type.Optional(Type.String({ maxLength: 1_000 })),
    value: Type.String({ maxLength: 50_000 }),
    headers: Type.Optional(
      Type.Array(
        Type.Object({ name: Type.String({ minLength: 1, maxLength: 200 }), value: Type.String({ maxLength: 2_000 }) }),
        {
          maxItems: 20,
        },
      ),
    ),
    partition: Type.Optional(Type.Integer({ minimum: 0, maximum: 99_999, description: 'By the key, where left out' })),
  },
  { additionalProperties: false },
)
export type ProduceRecord = Static<typeof ProduceRecord>
export const ProducedRecord = Type.Object({ topic: TopicName, partition: count, offset })
export type ProducedRecord = Static<typeof ProducedRecord>

// --- Groups and the cluster

/** `GET /api/console/groups` */
export const GroupList = Type.Object({
  asOf,
  groups: Type.Array(
    Type.Object({
      ...GroupLagView.properties,
      state: Type.String({ description: 'As Kafka calls it: STABLE, EMPTY, PREPARING_REBALANCE, DEAD …' }),
      members: count,
      coordinator: node,
      kind: Type.Enum(['shop', 'view', 'other']),
    }),
  ),
})
export type GroupList = Static<typeof GroupList>

/** `GET /api/console/groups/:group` */
export const GroupDetail = Type.Object({
  asOf,
  group: GroupName,
  state: Type.String(),
  protocol: Type.String(),
  coordinator: node,
  members: Type.Array(
    Type.Object({
      memberId: Type.String(),
      clientId: Type.String(),
      host: Type.String(),
      assignment: Type.Array(Type.Object({ topic: TopicName, partitions: Type.Array(count) })),
    }),
  ),
  partitions: Type.Array(
    Type.Object({
      topic: TopicName,
      partition: count,
      committed: orNull(offset, 'null: nothing committed'),
      end: offset,
      lagRecords: count,
      memberId: orNull(Type.String(), 'null: nobody reads it'),
    }),
  ),
  lag: GroupLagView,
  history: Type.Array(
    Type.Object({ at: Instant, lagRecords: count, lagSeconds: orNull(Type.Number(), 'null where not known') }),
    { description: 'Oldest first; as far back as this gateway has watched, ten minutes at most' },
  ),
})
export type GroupDetail = Static<typeof GroupDetail>

export const GroupParams = Type.Object({ group: GroupName }, { additionalProperties: false })

/** `GET /api/console/cluster`: who is who. */
export const ClusterView = Type.Object({
  asOf,
  clusterId: Type.String(),
  controller: node,
  brokers: Type.Array(
    Type.Object({
      node: count,
      host: Type.String(),
      port: count,
      leads: Type.Integer({ minimum: 0, description: 'Partitions it leads' }),
      follows: Type.Integer({ minimum: 0, description: 'Partitions of which it keeps a copy and is not the leader' }),
      coordinates: Type.Array(GroupName),
    }),
  ),
  offline: Type.Integer({ minimum: 0, description: 'Partitions without a leader' }),
  underReplicated: Type.Integer({ minimum: 0, description: 'Partitions of which a copy is missing or behind' }),
})
export type ClusterView = Static<typeof ClusterView>
