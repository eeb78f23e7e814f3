import { Client } from 'pg'

/** Runs statements one after the other on a connection of their own: what an experiment needs there before it starts. */
export async function runStatements(postgresUrl: string, statements: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: postgresUrl })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}
