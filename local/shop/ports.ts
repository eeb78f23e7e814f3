/** Ports with no offset. */
export const servicePorts = {
  gateway: 8080,
  account: 8088,
  seller: 8085,
  product: 8086,
  order: 8081,
  stock: 8082,
  notification: 8083,
  analytics: 8084,
  storefront: 8089,
} as const
export type ServiceName = keyof typeof servicePorts

export const serviceNames = Object.keys(servicePorts) as ServiceName[]

const databasePorts = {
  account: 5439,
  seller: 5432,
  product: 5433,
  order: 5434,
  stock: 5435,
  notification: 5437,
  analytics: 5438,
} as const
/** Those that keep data in a PostgreSQL of their own. */
export type DatabaseService = keyof typeof databasePorts

export const databaseServices = Object.keys(databasePorts) as DatabaseService[]

const redisPort = 6379
const configPort = 8888
const kafkaPort = 9092
const kafkaPortStep = 100

const portMax = 65_535
/** The highest port of all, the third broker's outside one, must stay a port. */
export const portOffsetMax = portMax - (kafkaPort + 2 * kafkaPortStep + 2)

export interface Ports {
  service(name: ServiceName): number
  database(name: DatabaseService): number
  /** Brokers count from 1. */
  broker(number: number): { internal: number; outside: number; controller: number }
  readonly redis: number
  /** Where the supervisor itself answers what the services are told at their start. */
  readonly config: number
}

export function portsWithOffset(offset: number): Ports {
  return {
    service: (name) => servicePorts[name] + offset,
    database: (name) => databasePorts[name] + offset,
    broker: (number) => {
      const internal = kafkaPort + (number - 1) * kafkaPortStep + offset
      return { internal, controller: internal + 1, outside: internal + 2 }
    },
    redis: redisPort + offset,
    config: configPort + offset,
  }
}

/** Browsers call nobody there, and neither does fetch (Fetch standard, "port blocking"); the others of that list are below ours. */
const BLOCKED_PORT = 10_080

/** Whoever speaks HTTP and would be at a port that nobody calls, with every port moved by so much. */
export function blockedAt(offset: number): { readonly name: string; readonly port: number } | undefined {
  const ports = portsWithOffset(offset)
  const found = serviceNames.find((name) => ports.service(name) === BLOCKED_PORT)
  const name = found ?? (ports.config === BLOCKED_PORT ? 'the configuration server' : undefined)
  return name === undefined ? undefined : { name, port: BLOCKED_PORT }
}

export function isServiceName(name: string): name is ServiceName {
  return Object.hasOwn(servicePorts, name)
}

export function isDatabaseService(name: string): name is DatabaseService {
  return Object.hasOwn(databasePorts, name)
}
