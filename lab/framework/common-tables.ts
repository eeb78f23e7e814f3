import { readFile } from 'node:fs/promises'
import { COMMON_MIGRATIONS } from '@timesale/kafka/migrations'

/** Statements that make the outbox and the inbox that every service of the shop has: its relay and its consumer work with them. */
export async function commonTables(): Promise<string[]> {
  const files = ['0001_outbox-inbox.sql', '0002_outbox-rows.sql'].map((name) => new URL(name, COMMON_MIGRATIONS))
  const migrations = await Promise.all(files.map((file) => readFile(file, 'utf8')))
  return migrations.map((migration) => migration.split('-- Down Migration')[0] ?? '')
}
