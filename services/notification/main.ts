import { run } from '@timesale/process/run'
import { startNotification } from './app.ts'
import { readConfig } from './config.ts'

await run('notification', (env) => startNotification(readConfig(env)))
