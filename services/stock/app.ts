import { rememberInstallation } from '@timesale/postgres/installation'
import type { Running } from '@timesale/process/run'
import { RedisHints } from '@timesale/redis/redis'
import { startService } from '@timesale/service/service'
import type { StockConfig } from './config.ts'
import { findMovements } from './db/reservations.ts'
import { sumLevels } from './db/stock-levels.ts'
import { STOCK_USES, applyToStock } from './events/consumer.ts'
import { readStockRoute } from './http/read-stock.ts'
import { LastWord } from './redis/last-word.ts'

export function startStock(config: StockConfig): Promise<Running & { port: number }> {
  return startService({
    name: 'stock',
    description: 'What there is of each product: available, reserved, sold. Decides whether an order can be had.',
    config,
    migrations: new URL('./db/migrations/', import.meta.url),
    build: (parts) => {
      const { db, logger } = parts
      const redis = new RedisHints({ url: config.redisUrl, logger })
      const lastWord = new LastWord({ redis, db, installation: rememberInstallation(db.sql) })
      return {
        routes: (app) => readStockRoute(app, parts),
        findMovements: (orderId) => findMovements(db.sql, orderId),
        countTotals: async () => ({ stock: await sumLevels(db.sql) }),
        consumer: { group: 'stock', uses: STOCK_USES, apply: applyToStock((levels) => lastWord.asked(levels)) },
        degradations: () => (redis.reachable ? [] : ['redis: does not answer; nobody is turned away at the door']),
        close: async () => {
          lastWord.close()
          await redis.close()
        },
      }
    },
  })
}
