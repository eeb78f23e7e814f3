import { readdir } from 'node:fs/promises'
import type { Sql } from './sql.ts'

/** True when every migration that this code was written for has been applied; newer ones do no harm. */
export async function schemaIsCurrent(sql: Sql, migrationsDir: URL): Promise<boolean> {
  const wanted = (await readdir(migrationsDir))
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
  const applied = await sql<{ name: string }>`select name from migrations_service`
  const names = new Set(applied.map(({ name }) => name))
  return wanted.every((name) => names.has(name))
}
