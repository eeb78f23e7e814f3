import { DatabaseError, Pool, type PoolClient } from 'pg'
import {
  CommitOutcomeUnknown,
  DatabaseUnavailable,
  TransactionAborted,
  endsSession,
  hasSqlState,
  mayComeTooLate,
} from './errors.ts'
import { PLANNED_ONCE, serverOptions } from './session-settings.ts'
import { statementOf, toParameters, type Sql, type Statement, type Tx } from './sql.ts'

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
  ...PLANNED_ONCE,
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
      // Statements that do not wait for each other share a round trip.
      pipeline: true,
      options: serverOptions(SESSION_SETTINGS),
    })
    // Without a listener an idle connection that a restarted server drops would end the process.
    this.#pool.on('error', (error) => options.onError?.(error))
    this.#pool.on('connect', (client) => client.on('error', (error) => options.onError?.(error)))
  }

  /** One statement that reads, outside any transaction of ours. */
  readonly sql: Sql = async (text, ...values) => {
    const client = await this.#connect()
    return await released(client, () => query(client, statementOf(text), values))
  }

  /**
   * One statement that writes, a transaction of its own in one round trip. Throws the server's error or
   * DatabaseUnavailable where nothing took effect, CommitOutcomeUnknown where that cannot be known.
   */
  readonly write: Sql = async (text, ...values) => {
    const client = await this.#connect()
    return await released(client, async () => {
      try {
        return await query(client, statementOf(text), values)
      } catch (error) {
        throw mayHaveCommitted(error)
          ? new CommitOutcomeUnknown('The statement was sent and not answered', { cause: error })
          : error
      }
    })
  }

  /**
   * Runs `work` between BEGIN and COMMIT (READ COMMITTED). Statements that `work` starts without awaiting the one before
   * share a round trip; those it leaves under way go out together with COMMIT, which is a rollback if one of them fails.
   * Throws what `work` or a statement threw, after a rollback; DatabaseUnavailable where nothing took effect;
   * CommitOutcomeUnknown where that cannot be known.
   */
  async tx<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await this.#connect()
    return await released(client, async () => {
      const transaction = new Transaction(client)
      let result: T
      try {
        // The brand exists for the compiler alone: this is the one place where a transaction is open.
        result = await work(transaction.sql as Tx)
      } catch (error) {
        await transaction.rollback(error)
        throw await transaction.firstFailure(error)
      }
      await transaction.commit()
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

class Transaction {
  readonly #client: PoolClient
  readonly #begun: Promise<unknown>
  readonly #statements: Promise<unknown>[] = []
  #isOpen = false
  #isOver = false

  constructor(client: PoolClient) {
    this.#client = client
    this.#begun = query(client, BEGIN, []).then(() => {
      this.#isOpen = true
    })
    this.#begun.catch(() => undefined)
  }

  readonly sql: Sql = (text, ...values) => {
    // Said too late, by something that went on after another part had failed: the connection may be somebody else's.
    if (this.#isOver) return Promise.reject(new TransactionAborted('The transaction is over'))
    const statement = statementOf(text)
    // A write that went out with a BEGIN that fails (cancelled, out of memory) would stand alone. A read may.
    const answer =
      this.#isOpen || READS.test(statement.text) ? this.#send(statement, values) : this.#sendWhenOpen(statement, values)
    this.#statements.push(answer)
    // Whoever does not await it hears of its failure from commit().
    answer.catch(() => undefined)
    return answer as Promise<never>
  }

  async commit(): Promise<void> {
    if (!this.#isOpen) await this.#begun
    this.#isOver = true
    const [committed] = await Promise.allSettled([commit(this.#client)])
    if (committed.status === 'fulfilled') return
    if (committed.reason instanceof TransactionAborted) await Promise.all(this.#statements)
    throw committed.reason
  }

  async rollback(reason: unknown): Promise<void> {
    this.#isOver = true
    // On a broken connection a ROLLBACK would wait for ever; the server rolls back when the session goes.
    if (!(reason instanceof DatabaseUnavailable)) await query(this.#client, ROLLBACK, [])
  }

  /** Statements that were on their way when one failed are told `aborted`, and may be heard of sooner than that one. */
  async firstFailure(failure: unknown): Promise<unknown> {
    if (!hasSqlState(failure, '25P02')) return failure
    const outcomes = await Promise.allSettled(this.#statements)
    const first = outcomes.find((outcome) => outcome.status === 'rejected')
    return first === undefined ? failure : (first.reason as unknown)
  }

  #send(statement: Statement, values: readonly unknown[]): Promise<unknown> {
    return query(this.#client, statement, values)
  }

  async #sendWhenOpen(statement: Statement, values: readonly unknown[]): Promise<unknown> {
    await this.#begun
    if (this.#isOver) throw new TransactionAborted('The transaction is over')
    return await this.#send(statement, values)
  }
}

// Not prepared: on the wire they say what they are.
const BEGIN = { text: 'begin' }
const ROLLBACK = { text: 'rollback' }
const READS = /^\s*select\b/i

async function query<Row>(
  client: PoolClient,
  statement: Statement | { readonly text: string },
  values: readonly unknown[],
): Promise<Row[]> {
  try {
    const result = await client.query({ ...statement, values: toParameters(values) })
    return result.rows as Row[]
  } catch (error) {
    // An error that ends the session is a lost connection too, with a reason.
    if (error instanceof DatabaseError && !endsSession(error) && !isOutdated(error)) throw error
    throw new DatabaseUnavailable('The connection to the database was lost', { cause: error })
  }
}

// 'cached plan must not change result type': a migration came between. Another connection prepares the statement anew.
function isOutdated(error: DatabaseError): boolean {
  return error.code === '0A000' && error.routine === 'RevalidateCachedQuery'
}

async function commit(client: PoolClient): Promise<void> {
  try {
    // A transaction in which a statement failed is rolled back by COMMIT, without an error.
    const { command } = await client.query('commit')
    if (command !== 'COMMIT') throw new TransactionAborted('A statement failed, so the transaction was rolled back')
  } catch (error) {
    if (error instanceof TransactionAborted || !mayHaveCommitted(error)) throw error
    throw new CommitOutcomeUnknown('COMMIT was sent and not answered', { cause: error })
  }
}

// A clean refusal (a deferred constraint, say) has rolled back; anything else may have come too late for that.
function mayHaveCommitted(error: unknown): boolean {
  return !(error instanceof DatabaseError) || endsSession(error) || mayComeTooLate(error)
}
