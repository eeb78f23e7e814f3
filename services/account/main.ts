import { run } from '@timesale/process/run'
import { startAccount } from './app.ts'
import { readConfig } from './config.ts'

await run('account', (env) => startAccount(readConfig(env)))
