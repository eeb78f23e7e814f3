import { told, type SettingsAccount } from './accounts.ts'
import type { Look } from './books.ts'

interface Limit {
  readonly points: number
  readonly seconds: number
}

/** What the account database says of the settings of the shop: one row, at version 0 while nobody has changed any. */
export async function readSettings(look: Look): Promise<Map<string, SettingsAccount>> {
  const rows = await look.rows<[string, number, boolean, Readonly<Record<string, Limit>>, number | null]>(
    'select settings_id, version, orders_open, limits, outbox_cap_events from settings',
  )
  return new Map(
    rows.map(([settingsId, version, ordersOpen, limits, cap]) => [
      settingsId,
      { ...told(version), ordersOpen, limits: limitsText(limits), outboxCapEvents: cap ?? undefined },
    ]),
  )
}

/** The database keeps the classes in an order of its own. */
export function limitsText(limits: Readonly<Record<string, Limit>>): string {
  const each = Object.entries(limits).map(([name, { points, seconds }]) => `${name} ${points} in ${seconds} s`)
  return each.toSorted().join(', ')
}
