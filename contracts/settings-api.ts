import Type, { type Static } from 'typebox'
import { Limits, OrdersOpen, OutboxCapEvents } from './settings.ts'

const version = Type.Integer({ minimum: 0, description: 'Counts changes; 0 while there was none. Also the ETag' })
const values = { ordersOpen: OrdersOpen, limits: Limits, outboxCapEvents: Type.Optional(OutboxCapEvents) }

export const SettingsView = Type.Object({ version, ...values })
export type SettingsView = Static<typeof SettingsView>

/** The whole record: what is left out is back to its default. */
export const ChangeSettings = Type.Object(
  {
    ...values,
    version: Type.Optional(Type.Integer({ minimum: 0, description: 'As it was read: the same as If-Match' })),
  },
  { additionalProperties: false },
)
export type ChangeSettings = Static<typeof ChangeSettings>

export const ChangeSettingsHeaders = Type.Object({
  'if-match': Type.Optional(
    Type.String({
      pattern: '^(\\*|(W/)?"[^"]*"( *, *(W/)?"[^"]*")*)$',
      description: 'ETags; 412 where none is of the present version',
    }),
  ),
})
