import type { DatabaseService } from '@timesale/local/shop/ports'
import { Client, type QueryArrayConfig } from 'pg'

/** Where a shop keeps its books. Nothing is ever written there from here. */
export interface Books {
  databaseUrl(service: DatabaseService): string
  /** Addresses of the brokers, with commas between. */
  readonly brokers: string
  /** Where it runs; without it what it shows is not looked at. */
  readonly storefront?: Storefront
}

export interface Storefront {
  readonly url: string
  /** What it is asked with, in the name of a buyer or else of an operator. */
  headers(buyerId?: string): Promise<Readonly<Record<string, string>>>
}

const CONNECT_MS = 3_000
/** Rows that a cursor brings at once. */
const FETCH = 5_000

/**
 * A look at one database: read only, and all of it at one moment. Rows come as arrays in the order of the columns;
 * bigint and numeric as text, as the driver has them.
 */
export class Look implements AsyncDisposable {
  readonly #client: Client
  #cursors = 0

  /** Rejects when the database does not let us in within three seconds; `answerWithinMs` is for each question then. */
  static async open(books: Books, service: DatabaseService, answerWithinMs?: number): Promise<Look> {
    const client = new Client({
      connectionString: books.databaseUrl(service),
      connectionTimeoutMillis: CONNECT_MS,
      ...(answerWithinMs === undefined ? {} : { query_timeout: answerWithinMs }),
      application_name: 'timesale-verify',
      // What is read is read once and whole: the planner must not hope to be asked for the first rows only.
      options: [
        '-c default_transaction_read_only=on -c cursor_tuple_fraction=1 -c work_mem=64MB -c jit=off',
        // A look stays open while a topic is read.
        '-c idle_in_transaction_session_timeout=0',
      ].join(' '),
    })
    // A server that dies between two questions is met by the next one.
    client.on('error', () => undefined)
    try {
      await client.connect()
      // The moment that is looked at is that of the first question, not of the begin.
      await client.query('begin transaction isolation level repeatable read read only; select 1')
    } catch (error) {
      void client.end().catch(() => undefined)
      throw error
    }
    return new Look(client)
  }

  private constructor(client: Client) {
    this.#client = client
  }

  async rows<Row extends readonly unknown[]>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const asked: QueryArrayConfig = { text: sql, values: [...values], rowMode: 'array' }
    const { rows } = await this.#client.query(asked)
    return rows as unknown as Row[]
  }

  /** Row by row, in bounded memory. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as in rows, the caller says what its columns are
  async each<Row extends readonly unknown[]>(sql: string, take: (row: Row) => void): Promise<void> {
    this.#cursors += 1
    const cursor = `look_${this.#cursors}`
    await this.#client.query(`declare ${cursor} no scroll cursor for ${sql}`)
    for (;;) {
      const rows = await this.rows<Row>(`fetch ${FETCH} from ${cursor}`)
      for (const row of rows) take(row)
      if (rows.length < FETCH) break
    }
    await this.#client.query(`close ${cursor}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing was changed, so there is nothing to end in order; a server that hangs must not be waited for.
    await Promise.race([this.#client.end().catch(() => undefined), new Promise((resolve) => setTimeout(resolve, 500))])
  }
}

/** Answers of a shop that is in use: a server that hangs must not be waited for. */
const LIVE_ANSWER_MS = 3_000

/** Opens a look at one database for as long as `use` takes, which rejects when it is not answered within three seconds. */
export async function lookAt<Result>(
  books: Books,
  service: DatabaseService,
  use: (look: Look) => Promise<Result>,
): Promise<Result> {
  await using look = await Look.open(books, service, LIVE_ANSWER_MS)
  return await use(look)
}
