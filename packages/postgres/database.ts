import { DatabaseError, Pool, type PoolClient } from 'pg'
import { CommitOutcomeUnknown, DatabaseUnavailable, TransactionAborted, endsSession, mayComeTooLate } from './errors.ts'
import { statementText, type Sql, type Tx } from './sql.ts'

export interface DatabaseOptions {
  readonly url: string
  readonly poolSize: number
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  /** How long to wait for a free or a new connection. */
  readonly connectTimeoutMs?: number
  readonly onError?: (error: Error) => void
}

const STATEMENT_TIMEOUT_MS = 5_000

// The server ends what a paused or partitioned client would otherwise hold: rows, inbox keys, the session itself.
const SESSION_SETTINGS = [
  `statement_timeout=${STATEMENT_TIMEOUT_MS}`,
  'lock_timeout=2000',
  'idle_in_transaction_session_timeout=5000',
  // A statement planned while a table was empty would keep its sequential scans for ever.
  'plan_cache_mode=force_custom_plan',
]

/** A pool of connections to one database, with transactions whose failures say what became of them. */
export class Database implements AsyncDisposable {
  readonly #pool: Pool

  constructor(options: DatabaseOptions) {
    this.#pool = new Pool({
      connectionString: options.url,
      max: options.poolSize,
      application_name: options.applicationName,
      connectionTimeoutMillis: options.connectTimeoutMs ?? 2_000,
      // The server gives up first and says why; this is for a server that no longer says anything.
      query_timeout: STATEMENT_TIMEOUT_MS + 1_000,
      keepAlive: true,
      options: SESSION_SETTINGS.map((setting) => `-c ${setting}`).join(' '),
    })
    // Without a listener an idle connection that a restarted server drops would end the process.
    this.#pool.on('error', (error) => options.onError?.(error))
    this.#pool.on('connect', (client) => client.on('error', (error) => options.onError?.(error)))
  }

  /** One statement outside any transaction of ours. */
  readonly sql: Sql = async (text, ...values) => {
    const client = await this.#connect()
    return await released(client, () => query(client, statementText(text), values))
  }

  /**
   * Runs `work` between BEGIN and COMMIT (READ COMMITTED). Throws what `work` threw, after a rollback;
   * DatabaseUnavailable where nothing took effect; CommitOutcomeUnknown where that cannot be known.
   */
  async tx<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    return await released(client, async () => {
      await query(client, 'begin', [])
      const tx: Sql = (text, ...values) => query(client, statementText(text), values)
      let result: T
      try {
        // The brand exists for the compiler alone: this is the one place where a transaction is open.
        result = await work(tx as Tx)
      } catch (error) {
        // On a broken connection a ROLLBACK would wait for ever; the server rolls back when the session goes.
        if (!(error instanceof DatabaseUnavailable)) await query(client, 'rollback', [])
        throw error
      }
      await commit(client)
      return result
    })
  }

  /** Connections in use or asked for: `waiting` above 0 means the pool is exhausted. */
  load(): { total: number; idle: number; waiting: number } {
    return { total: this.#pool.totalCount, idle: this.#pool.idleCount, waiting: this.#pool.waitingCount }
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw error instanceof DatabaseError
        ? error
        : new DatabaseUnavailable('No connection to the database', { cause: error })
    }
  }
}

// A connection that failed in any way but a clean answer from the server is half dead; back in the pool it would
// time out for its next users too, so it is destroyed.
async function released<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
  let broken: Error | undefined
  try {
    return await work()
  } catch (error) {
    if (error instanceof DatabaseUnavailable || error instanceof CommitOutcomeUnknown) broken = error
    throw error
  } finally {
    client.release(broken)
  }
}

async function query<Row>(client: PoolClient, text: string, values: readonly unknown[]): Promise<Row[]> {
  try {
    const result = await client.query(text, [...values])
    return result.rows as Row[]
  } catch (error) {
    // An error that ends the session is a lost connection too, with a reason.
    if (error instanceof DatabaseError && !endsSession(error)) throw error
    throw new DatabaseUnavailable('The connection to the database was lost', { cause: error })
  }
}

async function commit(client: PoolClient): Promise<void> {
  try {
    // A transaction in which a statement failed is rolled back by COMMIT, without an error.
    const { command } = await client.query('commit')
    if (command !== 'COMMIT') throw new TransactionAborted('A statement failed, so the transaction was rolled back')
  } catch (error) {
    if (error instanceof TransactionAborted) throw error
    // A clean refusal of COMMIT (a deferred constraint, say) has rolled back.
    if (error instanceof DatabaseError && !endsSession(error) && !mayComeTooLate(error)) throw error
    throw new CommitOutcomeUnknown('COMMIT was sent and not answered', { cause: error })
  }
}
