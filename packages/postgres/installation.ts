import type { Sql } from './sql.ts'

/** Reads the id that all databases of a shop share, once; undefined while the database does not answer. */
export function rememberInstallation(sql: Sql): () => Promise<string | undefined> {
  let id: string | undefined
  return async () => {
    if (id !== undefined) return id
    try {
      const [row] = await sql<{ id: string }>`select id from installation`
      id = row?.id
    } catch {
      // Hints are left out until the database answers; whoever needs the database itself will say what is wrong.
    }
    return id
  }
}
