import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GROUPS } from '@timesale/contracts/topics'
import { databaseServices, serviceNames, type ServiceName } from '@timesale/local/shop/ports'
import { calledFor, TEST_GATEWAY } from '@timesale/testkit/gateway-key'
import { send, sendJson } from '@timesale/testkit/http'
import { servicePorts, startInfrastructure, type Infrastructure, type TestPart } from '@timesale/testkit/infrastructure'
import { kafkaRequests, openProxy, postgresRequests, type TcpProxy } from '@timesale/testkit/tcp-proxy'
import { until } from '@timesale/testkit/until'
import type { Books } from '@timesale/verify/verdict'
import { ServiceProcess } from './service-process.ts'

export interface ShopOptions {
  /** How many processes of a service; one of each that an order needs otherwise. They are called `order-1`, `order-2`, `stock-1` and so on. */
  readonly processes?: Partial<Record<ServiceName, number>>
  /** Which processes reach a server by way of a proxy: each its own for its database, all one for Kafka, all one for Redis. */
  readonly proxied?: {
    readonly database?: readonly string[]
    readonly kafka?: readonly string[]
    readonly redis?: readonly string[]
  }
  /** Over what the processes of a service are started with. */
  readonly env?: Partial<Record<ServiceName, Readonly<Record<string, string>>>>
  /** Over what all processes are started with. */
  readonly envOfAll?: Readonly<Record<string, string>>
}

/** Real servers and services, with proxies between them, in a folder that is gone afterwards. */
export interface Shop extends AsyncDisposable {
  readonly infrastructure: Infrastructure
  /** Where the books are: past every proxy, as the superuser; with what the storefront shows, where one runs. */
  readonly books: Books
  readonly kafkaProxy: TcpProxy
  readonly redisProxy: TcpProxy
  databaseProxy(process: string): TcpProxy
  process(name: string): ServiceProcess
  readonly processes: readonly ServiceProcess[]
  /** What the account service seals its signing keys with: 32 bytes in base64url. */
  readonly accountKeySecret: string
  part(name: string): TestPart
  /** One more process of a service; `env` goes over what the others have. */
  addProcess(name: string, env?: Readonly<Record<string, string>>): Promise<ServiceProcess>
  /** Resolves when the order service accepts orders for it. */
  putOnSale(productId: string, units: number): Promise<void>
  /** What each process has logged, by its name. */
  wholeLogs(): Promise<ReadonlyMap<string, string>>
  /** The last lines that each process has logged, for whoever must find out what went wrong. */
  logs(): Promise<string>
}

/** Resolves when all processes are ready. */
export async function startShop(options: ShopOptions = {}): Promise<Shop> {
  const { processes = {}, proxied = {}, env = {}, envOfAll = {} } = options
  const folder = await mkdtemp(join(tmpdir(), 'timesale-faults-'))
  const [kafkaPort] = await servicePorts(1)
  const infrastructure = await startInfrastructure({
    databases: databaseServices,
    kafka: true,
    redis: true,
    advertisedPort: kafkaPort,
  })
  const kafkaProxy = await openProxy({ to: infrastructure.outsidePort, port: kafkaPort, requests: kafkaRequests })
  const redisProxy = await openProxy({ to: Number(new URL(infrastructure.redisUrl).port) })
  const databaseProxies = new Map<string, TcpProxy>()
  const running = new Map<string, ServiceProcess>()

  const down = async (): Promise<void> => {
    await Promise.all([...running.values()].map((one) => one.close()))
    await Promise.all([kafkaProxy, redisProxy, ...databaseProxies.values()].map((one) => one[Symbol.asyncDispose]()))
    await infrastructure[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  }

  const keySecret = randomBytes(32).toString('base64url')
  // Every instance of every service; of one that was not started a port where nobody listens.
  const gatewayEnv = async (): Promise<Record<string, string>> => {
    const urls = BEHIND_GATEWAY.map(async (service) => {
      const found = [...running.values()].filter(({ name }) => serviceOf(name) === service).map(({ url }) => url)
      const [nobody] = await servicePorts(1)
      return [
        `GATEWAY_${service.toUpperCase()}_URLS`,
        found.length > 0 ? found.join(',') : `http://127.0.0.1:${nobody}`,
      ]
    })
    return {
      GATEWAY_SIGNING_KEY: TEST_GATEWAY.signingKey,
      GATEWAY_REPLICAS: String(processes.gateway ?? 1),
      ...Object.fromEntries(await Promise.all(urls)),
    }
  }

  const addProcess = async (name: string, more: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> => {
    const service = serviceOf(name)
    const [port] = await servicePorts(1)
    const own = infrastructure.env(service, {
      ...{ LOG_LEVEL: 'info', INSTANCE_ID: name },
      ...(service === 'account' ? { ACCOUNT_KEY_SECRET: keySecret } : {}),
      ...(service === 'gateway' ? await gatewayEnv() : {}),
      ...envOfAll,
      ...env[service],
      ...more,
    })
    if (proxied.database?.includes(name) === true) {
      const direct = own['DB_URL'] ?? ''
      const proxy = await openProxy({ to: Number(new URL(direct).port), requests: postgresRequests })
      databaseProxies.set(name, proxy)
      own['DB_URL'] = proxy.url(direct)
    }
    if (proxied.kafka?.includes(name) === true) own['KAFKA_BROKERS'] = `127.0.0.1:${kafkaProxy.port}`
    if (proxied.redis?.includes(name) === true) own['REDIS_URL'] = redisProxy.url(infrastructure.redisUrl)
    const one = new ServiceProcess({ name, service, port, env: own, logFile: join(folder, `${name}.log`) })
    running.set(name, one)
    await one.start()
    return one
  }

  const process = (name: string): ServiceProcess => found(running, name)
  const wholeLogs = async (): Promise<ReadonlyMap<string, string>> => {
    const files = await readdir(folder)
    const read = async (file: string) => [file, await readFile(join(folder, file), 'utf8')] as const
    return new Map(await Promise.all(files.map(read)))
  }
  const logs = async (): Promise<string> => {
    const texts = [...(await wholeLogs())]
    return texts.map(([file, text]) => `--- ${file}\n${text.split('\n').slice(-LOG_LINES).join('\n')}`).join('\n')
  }

  try {
    const names = serviceNames.flatMap((service) =>
      Array.from(
        { length: processes[service] ?? (PIPELINE.has(service) ? 1 : 0) },
        (_none, index) => `${service}-${index + 1}`,
      ),
    )
    // A gateway is told where all others are.
    const [gateways, others] = [true, false].map((are) => names.filter((name) => name.startsWith('gateway-') === are))
    await Promise.all((others ?? []).map((name) => addProcess(name)))
    await Promise.all((gateways ?? []).map((name) => addProcess(name)))
    await Promise.all([...running.values()].map((one) => one.ready()))
  } catch (error) {
    console.error(await logs())
    await down()
    throw error
  }

  return {
    infrastructure,
    books: {
      databaseUrl: (service) => infrastructure.adminUrlOf(service),
      brokers: infrastructure.brokers,
      ...(running.has('storefront-1') ? { storefront: storefrontAt(process('storefront-1').url) } : {}),
    },
    kafkaProxy,
    redisProxy,
    databaseProxy: (name) => found(databaseProxies, name),
    process,
    get processes() {
      return [...running.values()]
    },
    accountKeySecret: keySecret,
    part: (name) => found(infrastructure.parts, name),
    addProcess,
    async putOnSale(productId, units) {
      const name = { ko: productId, en: productId }
      const about = { productId, name, priceMinor: 1_000, currency: 'KRW', units }
      const headers = await calledFor('operator-of-the-test', 'operator')
      const answer = await sendJson(`${process('product-1').url}/products`, about, { headers })
      if (answer.status !== 201) throw new Error(`${productId} was answered ${answer.status} ${answer.text}`)
      await until(
        `${productId} can be ordered`,
        async () =>
          (await send(`${process('order-1').url}/orderable-products/${productId}`, { headers })).status === 200,
      )
    },
    wholeLogs,
    logs,
    [Symbol.asyncDispose]: down,
  }
}

function storefrontAt(url: string): NonNullable<Books['storefront']> {
  return { url, headers: (buyerId) => (buyerId === undefined ? calledFor('verdict', 'operator') : calledFor(buyerId)) }
}

const LOG_LINES = 25
const BEHIND_GATEWAY = serviceNames.filter((service) => service !== 'gateway')
/** Whoever hears of an order; others are started where `processes` names them. */
const PIPELINE: ReadonlySet<string> = new Set(Object.keys(GROUPS))

function serviceOf(process: string): ServiceName {
  const service = serviceNames.find((name) => process.startsWith(`${name}-`))
  if (service === undefined) throw new Error(`${process} is a process of no service`)
  return service
}

function found<One>(all: ReadonlyMap<string, One>, name: string): One {
  const one = all.get(name)
  if (one === undefined) throw new Error(`There is no ${name}, only ${[...all.keys()].join(', ')}`)
  return one
}
