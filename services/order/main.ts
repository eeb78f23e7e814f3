import { run } from '@timesale/process/run'
import { startOrder } from './app.ts'
import { readConfig } from './config.ts'

await run('order', (env) => startOrder(readConfig(env)))
