import { run } from '@timesale/process/run'
import { startStock } from './app.ts'
import { readConfig } from './config.ts'

await run('stock', (env) => startStock(readConfig(env)))
