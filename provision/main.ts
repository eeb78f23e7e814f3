import { existsSync, readdirSync } from 'node:fs'
import { Complaint, runCommand } from '@timesale/local/commands/command-line'
import { BadEnvironment, readEnv } from '@timesale/process/env'
import { messageOf } from '@timesale/process/message-of'
import { provision } from './provision.ts'

const usage = `npm run provision

For deployments: makes databases, roles, tables and topics, and changes nothing that is right already. npm start does the same by
itself. Before services start, and again with every new version; provision/README.md says what it does in which order.

  --help        this text

Environment:
  KAFKA_BROKERS                 host:port, with commas between
  KAFKA_REPLICATION             copies of each partition of a new topic; by default 3, or as many as there are brokers
  <SERVICE>_DB_URL              postgres://role:password@host:port/database, for each service that has tables
  <SERVICE>_DB_ADMIN_URL        of somebody who may make role and database; without it both must be there`

const folder = new URL('../services/', import.meta.url)
/** Who has tables has a database. */
const services = readdirSync(folder).filter((name) => existsSync(new URL(`${name}/db/migrations/`, folder)))

await runCommand({
  usage,
  options: {},
  run: async () => {
    try {
      await provision({
        ...readConfig(),
        playground: false,
        onStep: (text) => console.log(`provisioned: ${text}`),
      })
    } catch (error) {
      if (error instanceof BadEnvironment) throw new Complaint(error.message)
      throw new Complaint(
        `Not all could be provisioned; what was is kept, and it can be run again.\n${messageOf(error)}`,
      )
    }
    return 0
  },
})
// What else is under way, at a server that never answers, say, is left there: it can be run again.
process.exit()

function readConfig() {
  return readEnv(process.env, '', (get) => ({
    kafkaBrokers: get.addresses('KAFKA_BROKERS').join(),
    replication: get.int('KAFKA_REPLICATION', 0, 32_767) || undefined,
    databases: services.map((service) => ({
      service,
      serviceUrl: get.url(`${service.toUpperCase()}_DB_URL`, ['postgres', 'postgresql']),
      adminUrl: get.text(`${service.toUpperCase()}_DB_ADMIN_URL`, '') || undefined,
    })),
  }))
}
