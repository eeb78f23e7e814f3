import { run } from '@timesale/process/run'
import { startGateway } from './app.ts'
import { readConfig } from './config.ts'

await run('gateway', (env) => startGateway(readConfig(env)))
