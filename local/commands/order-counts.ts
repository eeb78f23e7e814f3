import { Client } from 'pg'
import { within } from '@timesale/process/deadline'

const ANSWER_MS = 2000

/** Number of orders in each state. Throws when the order database does not answer in time. */
export async function countOrders(orderDatabaseUrl: string): Promise<Map<string, number>> {
  const client = new Client({
    connectionString: orderDatabaseUrl,
    connectionTimeoutMillis: ANSWER_MS,
    statement_timeout: ANSWER_MS,
    application_name: 'timesale-status',
  })
  client.on('error', () => {})
  try {
    return await within(ANSWER_MS, countBy(client), () => new Error('the order database did not answer within 2 s'))
  } finally {
    void client.end().catch(() => {})
  }
}

async function countBy(client: Client): Promise<Map<string, number>> {
  await client.connect()
  const { rows } = await client.query<{ status: string; count: string }>(
    'select status, count(*) from orders group by status order by status',
  )
  return new Map(rows.map(({ status, count }) => [status, Number(count)]))
}
