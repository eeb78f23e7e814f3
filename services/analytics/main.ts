import { run } from '@timesale/process/run'
import { startAnalytics } from './app.ts'
import { readConfig } from './config.ts'

await run(() => startAnalytics(readConfig(process.env)))
