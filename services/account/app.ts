import type { Running } from '@timesale/process/run'
import { startService } from '@timesale/service/service'
import type { AccountConfig } from './config.ts'

export function startAccount(config: AccountConfig): Promise<Running & { port: number }> {
  return startService({
    name: 'account',
    description: 'Who is who: accounts, sessions, keys.',
    config,
    migrations: new URL('./db/migrations/', import.meta.url),
    build: () => ({ routes: () => undefined }),
  })
}
