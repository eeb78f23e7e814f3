import type { Running } from '@timesale/process/run'
import { startService } from '@timesale/service/service'
import type { SellerConfig } from './config.ts'

export function startSeller(config: SellerConfig): Promise<Running & { port: number }> {
  return startService({
    name: 'seller',
    description: 'Shops, their owners and members.',
    config,
    migrations: new URL('./db/migrations/', import.meta.url),
    build: () => ({ routes: () => undefined }),
  })
}
