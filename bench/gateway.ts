import { serviceNames, type ServiceName } from '@timesale/local/shop/ports'
import { askHealth } from '@timesale/local/shop/service-part'
import { TEST_GATEWAY } from '@timesale/testkit/gateway-key'
import type { Infrastructure } from '@timesale/testkit/infrastructure'
import { readMetric } from '@timesale/testkit/metrics'
import { until } from '@timesale/testkit/until'
import { WorkMissing } from './counted.ts'
import { startService, type Server } from './service.ts'

/** Accounts that a load is shared out among. */
export const ACCOUNTS = 1_024

const SERVICES = serviceNames.filter((name) => name !== 'gateway')
// Counted as always, and never reached.
const NO_LIMIT = '9999999/60'

/** The gateway before services on these ports; `others` is the port of those that are not named. Ready to tell tokens. */
export async function startGateway(
  servers: Infrastructure,
  ports: Partial<Record<ServiceName, number>> & { readonly others: number },
): Promise<Server> {
  const url = (name: ServiceName): string => `http://127.0.0.1:${ports[name] ?? ports.others}`
  const gateway = await startService(servers, 'gateway', {
    ...Object.fromEntries(SERVICES.map((name) => [`GATEWAY_${name.toUpperCase()}_URLS`, url(name)])),
    GATEWAY_SIGNING_KEY: TEST_GATEWAY.signingKey,
    GATEWAY_LIMIT_BROWSE: NO_LIMIT,
    GATEWAY_LIMIT_ORDERS: NO_LIMIT,
  })
  await until('the gateway knows the keys and Redis', async () => {
    const { httpStatus, reasons } = await askHealth(gateway.port)
    return httpStatus === 200 && reasons.length === 0
  })
  return gateway
}

const IN_MEMORY_MAX = 0.1

/**
 * Requests that the gateway counted by itself, since Redis did not answer in time. On a busy machine a few are late;
 * where many are, Redis was left alone for a second, and what was measured then is a gateway without it.
 */
export class CountedInMemory {
  readonly #url: string
  #before = 0
  #share = 1

  constructor({ port }: Server) {
    this.#url = `http://127.0.0.1:${port}`
  }

  /** From now on. */
  async begin(): Promise<void> {
    this.#before = await this.#read()
  }

  /** Until now, of so many requests. */
  async end(requests: number): Promise<void> {
    this.#share = ((await this.#read()) - this.#before) / requests
  }

  /** Throws WorkMissing where it were too many. */
  expectFew(name: string): void {
    if (this.#share <= IN_MEMORY_MAX) return
    throw new WorkMissing(`${name} did not do its work: of 100 requests Redis did not count ${this.#share * 100}`)
  }

  async #read(): Promise<number> {
    return await readMetric(this.#url, 'gateway_counted_in_memory_total')
  }
}
