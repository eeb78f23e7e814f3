import Type, { type Static } from 'typebox'
import { SOURCES, type Source } from './event.ts'
import { ID_PATTERN, Instant, OrderId, Quantity } from './fields.ts'
import { OrderStatusSchema } from './order-api.ts'

/** What is told of an order: by order itself, and by stock of what it holds for it. */
export const TRACED_SOURCES = ['/order/orders', '/stock/reservations'] as const satisfies readonly Source[]

export const TraceParams = Type.Object(
  { orderId: Type.String({ pattern: ID_PATTERN }) },
  { additionalProperties: false },
)

const source = Type.Enum(Object.keys(SOURCES) as Source[])
const version = Type.Integer({ minimum: 1 })
const offset = Type.String({ pattern: '^[0-9]+$', description: 'Of a 64-bit number' })

/** What one service knows of an order beside its own API: `GET /trace/:orderId`, for operators. */
export const ServiceTrace = Type.Object({
  /** How far each stream of facts was applied: the inbox. When is not kept, which would cost every event. */
  applied: Type.Array(Type.Object({ source, version })),
  /** Events that are set aside until a gap before them is filled or somebody has mended their handler. */
  waiting: Type.Array(
    Type.Object({
      ...{ source, version, topic: Type.String(), partition: Type.Integer(), offset },
      ...{ reason: Type.Enum(['gap', 'handler']), attempts: Type.Integer(), since: Instant },
      error: Type.Union([Type.String(), Type.Null()]),
    }),
  ),
  /** Stock's ledger. */
  movements: Type.Array(
    Type.Object({ at: Instant, version, kind: Type.Enum(['RESERVE', 'COMMIT', 'RELEASE']), quantity: Quantity }),
  ),
})
export type ServiceTrace = Static<typeof ServiceTrace>

/** Something that has happened to an order, at one place. */
export const TraceHop = Type.Object({
  at: Type.Union([Instant, Type.Null()], { description: 'By the clock of that place; null where it is not kept' }),
  /** Since the first hop; milliseconds. */
  afterMs: Type.Union([Type.Number(), Type.Null()]),
  /** Since the hop before it that has a time. */
  stepMs: Type.Union([Type.Number(), Type.Null()]),
  where: Type.String({ description: 'A service or a topic' }),
  kind: Type.Enum(['row', 'record', 'applied', 'waiting']),
  what: Type.String({ description: 'ORDER_PLACED, order.placed.v1, RESERVE 1, CONFIRMED …' }),
  version: Type.Optional(version),
  cause: Type.Optional(Type.String()),
  record: Type.Optional(
    Type.Object({ topic: Type.String(), partition: Type.Integer(), offset, traceId: Type.Optional(Type.String()) }),
  ),
  /** The same fact was there before: sent or read a second time. */
  isRepeated: Type.Optional(Type.Boolean()),
})
export type TraceHop = Static<typeof TraceHop>

/** `GET /api/orders/:orderId/trace`: each hop of an order, those with a time first and in its order. */
export const OrderTrace = Type.Object({
  orderId: OrderId,
  status: OrderStatusSchema,
  hops: Type.Array(TraceHop),
  missing: Type.Array(
    Type.Object({
      part: Type.String({ description: 'A service, or `records`' }),
      reason: Type.String({ description: 'Code of a refusal' }),
    }),
  ),
})
export type OrderTrace = Static<typeof OrderTrace>
