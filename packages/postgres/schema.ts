import { readdir } from 'node:fs/promises'
import type { Sql } from './sql.ts'

/** True when every migration that this code was written for has been applied; newer ones do no harm. */
export async function schemaIsCurrent(sql: Sql, migrationsDirs: readonly URL[]): Promise<boolean> {
  const files = (await Promise.all(migrationsDirs.map((dir) => readdir(dir)))).flat()
  const wanted = files.filter((file) => file.endsWith('.sql')).map((file) => file.slice(0, -'.sql'.length))
  const applied = await sql<{ name: string }>`
    select name from migrations_service union all select name from migrations_common`
  const names = new Set(applied.map(({ name }) => name))
  return wanted.every((name) => names.has(name))
}
