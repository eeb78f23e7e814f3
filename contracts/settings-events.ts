import Type from 'typebox'
import { defineEvent } from './event.ts'
import { OrdersOpen, OutboxCapEvents, SettingsId, ToldLimits } from './settings.ts'

/** All settings after a change; the newest version is all a reader needs. */
export const SettingsChanged = defineEvent({
  type: 'settings.changed.v1',
  topic: 'settings-topic',
  source: '/account/settings',
  idField: 'settingsId',
  schema: Type.Object({
    settingsId: SettingsId,
    ordersOpen: OrdersOpen,
    limits: ToldLimits,
    outboxCapEvents: Type.Optional(OutboxCapEvents),
  }),
})

export const SETTINGS_EVENTS = [SettingsChanged] as const
