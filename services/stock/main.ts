import { run } from '@timesale/process/run'
import { startStock } from './app.ts'
import { readConfig } from './config.ts'

await run(() => startStock(readConfig(process.env)))
