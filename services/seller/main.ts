import { run } from '@timesale/process/run'
import { startSeller } from './app.ts'
import { readConfig } from './config.ts'

await run('seller', (env) => startSeller(readConfig(env)))
