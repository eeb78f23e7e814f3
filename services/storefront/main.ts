import { run } from '@timesale/process/run'
import { startStorefront } from './app.ts'
import { readConfig } from './config.ts'

await run('storefront', (env) => startStorefront(readConfig(env)))
