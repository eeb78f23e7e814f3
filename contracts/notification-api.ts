import Type, { type Static } from 'typebox'
import { ID_PATTERN, Instant, OrderId } from './fields.ts'

export const NOTICE_KINDS = ['CONFIRMED', 'REJECTED', 'CANCELLED'] as const

export const Notice = Type.Object({ orderId: OrderId, kind: Type.Enum([...NOTICE_KINDS]), at: Instant })
export type Notice = Static<typeof Notice>

export const NoticesQuery = Type.Object(
  { orderId: Type.String({ pattern: ID_PATTERN }) },
  { additionalProperties: false },
)
