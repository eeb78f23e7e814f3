import { OPEN } from '@timesale/identity/principal'
import { createHttpServer, listen } from '@timesale/http/server'
import { Database } from '@timesale/postgres/database'
import { createLogger } from '@timesale/telemetry/logger'
import { createRegistry } from '@timesale/telemetry/metrics'
import { placeOrders, type Answer, type Wish } from '../../services/order/accept/place-orders.ts'
import { placeOrderRoute } from '../../services/order/http/place-order.ts'

// The order service as it would be without batches: the same HTTP server, route, statements and tables, and a transaction
// of its own for each order.

const POOL = 16

const [port, dbUrl = ''] = process.argv.slice(2)
const logger = createLogger({ service: 'one-by-one', level: 'info' })
const db = new Database({ url: dbUrl, poolSize: POOL, applicationName: 'one-by-one', connectTimeoutMs: 10_000 })

const onePerTransaction = {
  refusalOfAll: undefined,
  async accept(wish: Wish): Promise<Answer> {
    const [answer] = await db.tx((tx) => placeOrders(tx, [wish], () => undefined))
    if (answer === undefined) throw new Error('An order was placed and not answered.')
    return answer
  },
}

const app = await createHttpServer({
  service: 'one-by-one',
  description: 'A transaction an order.',
  logger,
  registry: createRegistry('one-by-one'),
  authenticate: () => OPEN,
  health: () => Promise.resolve({ status: 'ready', reasons: [] }),
})
placeOrderRoute(app, onePerTransaction)
await listen(app, { host: '127.0.0.1', port: Number(port) })
process.send?.({ listening: true })
process.on('SIGTERM', () => process.exit(0))
