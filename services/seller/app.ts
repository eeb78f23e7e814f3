import type { Running } from '@timesale/process/run'
import { startService } from '@timesale/service/service'
import type { SellerConfig } from './config.ts'
import { changeShopRoutes } from './http/change-shop.ts'
import { createShopRoute } from './http/create-shop.ts'
import { readShopRoutes } from './http/read-shops.ts'

export function startSeller(config: SellerConfig): Promise<Running & { port: number }> {
  return startService({
    name: 'seller',
    description: 'Shops, their owners and members.',
    config,
    migrations: new URL('./db/migrations/', import.meta.url),
    build: (parts) => ({
      routes: (app) => {
        createShopRoute(app, parts)
        changeShopRoutes(app, parts)
        readShopRoutes(app, parts)
      },
    }),
  })
}
