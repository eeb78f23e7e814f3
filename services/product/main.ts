import { run } from '@timesale/process/run'
import { startProduct } from './app.ts'
import { readConfig } from './config.ts'

await run('product', (env) => startProduct(readConfig(env)))
