import { startPart } from '@timesale/local/infrastructure/started-part'
import { servicePart } from '@timesale/local/shop/service-part'
import { servicePorts, type Infrastructure } from '@timesale/testkit/infrastructure'
import { track } from './cleanup.ts'

export interface Server extends AsyncDisposable {
  readonly pid: number
  readonly port: number
}

/** One of the shop's services as a process of its own, ready when this resolves. */
export async function startService(
  servers: Infrastructure,
  name: 'order' | 'stock' | 'gateway' | 'storefront',
  more: Record<string, string> = {},
): Promise<Server> {
  const [port] = await servicePorts(1)
  // The log level is that of the shop, where lines go to a file.
  const env = servers.env(name, { HTTP_PORT: String(port), LOG_LEVEL: 'info', ...more }) as Record<string, string>
  const started = await track(startPart(servicePart({ name, port, env })))
  return {
    pid: started.pid,
    port,
    // It leaves its group and closes its sessions, so that the next one need not wait until they lapse.
    [Symbol.asyncDispose]: () => started.end('SIGTERM'),
  }
}

/** A superuser's way into a service's database. */
export function adminUrlOf(servers: Infrastructure, service: string): string {
  return servers.adminUrl.replace(/postgres$/, `${service}_local`)
}

export async function outboxIsEmpty(servers: Infrastructure, service: string): Promise<boolean> {
  const rows = await servers.admin(service).sql`select 1 from outbox limit 1`
  return rows.length === 0
}
