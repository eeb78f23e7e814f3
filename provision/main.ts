import { existsSync, readdirSync } from 'node:fs'
import { readEnv } from '@timesale/process/env'
import { provision } from './provision.ts'

// For deployments: makes databases, roles, tables and topics. `npm start` does the same by itself.
// KAFKA_BROKERS, and for each service <SERVICE>_DB_URL and <SERVICE>_DB_ADMIN_URL.

const folder = new URL('../services/', import.meta.url)
/** Who has tables has a database. */
const services = readdirSync(folder).filter((name) => existsSync(new URL(`${name}/db/migrations/`, folder)))

const config = readEnv(process.env, '', (get) => ({
  kafkaBrokers: get.text('KAFKA_BROKERS'),
  replication: get.int('KAFKA_REPLICATION', 0) || undefined,
  databases: services.map((service) => ({
    service,
    serviceUrl: get.url(`${service.toUpperCase()}_DB_URL`),
    adminUrl: get.text(`${service.toUpperCase()}_DB_ADMIN_URL`, '') || undefined,
  })),
}))

await provision({ ...config, playground: false, onStep: (text) => console.log(`provisioned: ${text}`) })
