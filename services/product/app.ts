import type { Running } from '@timesale/process/run'
import { startService } from '@timesale/service/service'
import type { ProductConfig } from './config.ts'
import { PRODUCT_USES, applyToShopMembers } from './events/consumer.ts'
import { changeProductRoutes } from './http/change-product.ts'
import { createProductRoute } from './http/create-product.ts'
import { readProductRoutes } from './http/read-products.ts'

export function startProduct(config: ProductConfig): Promise<Running & { port: number }> {
  return startService({
    name: 'product',
    description: 'The catalogue: names, prices, time sales, and how many units were put on sale.',
    config,
    migrations: new URL('./db/migrations/', import.meta.url),
    build: (parts) => ({
      routes: (app) => {
        createProductRoute(app, parts)
        changeProductRoutes(app, parts)
        readProductRoutes(app, parts)
      },
      consumer: { group: 'product', uses: PRODUCT_USES, apply: applyToShopMembers },
    }),
  })
}
