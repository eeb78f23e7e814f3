import type { Limits } from '@timesale/contracts/settings'
import type { SettingsView } from '@timesale/contracts/settings-api'
import type { Sql, Tx } from '@timesale/postgres/sql'

interface Row {
  version: number
  orders_open: boolean
  limits: Limits
  outbox_cap_events: number | null
}

export async function readSettings(sql: Sql): Promise<SettingsView> {
  return toSettings(await sql<Row>`select version, orders_open, limits, outbox_cap_events from settings`)
}

export async function lockSettings(tx: Tx): Promise<SettingsView> {
  return toSettings(await tx<Row>`select version, orders_open, limits, outbox_cap_events from settings for update`)
}

export async function saveSettings(tx: Tx, settings: SettingsView, changedBy: string): Promise<void> {
  await tx`
    update settings
    set version = ${settings.version}, orders_open = ${settings.ordersOpen},
      limits = ${JSON.stringify(settings.limits)}::jsonb, outbox_cap_events = ${settings.outboxCapEvents ?? null},
      changed_by = ${changedBy}, changed_at = now()`
}

function toSettings([row]: readonly Row[]): SettingsView {
  if (row === undefined) throw new Error('The table of settings has no row, which its migration inserts')
  const { version, orders_open: ordersOpen, limits, outbox_cap_events: cap } = row
  return { version, ordersOpen, limits, ...(cap === null ? {} : { outboxCapEvents: cap }) }
}
