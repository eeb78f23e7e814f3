import { run } from '@timesale/process/run'
import { startAnalytics } from './app.ts'
import { readConfig } from './config.ts'

await run('analytics', (env) => startAnalytics(readConfig(env)))
