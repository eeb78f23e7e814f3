import { run } from '@timesale/process/run'
import { startSeller } from './app.ts'
import { readConfig } from './config.ts'

await run(() => startSeller(readConfig(process.env)))
