import { join } from 'node:path'
import { servicePorts } from '@timesale/testkit/infrastructure'
import { startChild, type ChildProgram } from '../framework/child-program.ts'
import type { Servers } from '../framework/servers.ts'
import { everyWay, type Given, type Role, type Told, type Way } from './ways.ts'

/** A shop for each way: three programs, with the same database server and, where they need it, the same Kafka. */
export class Shops implements AsyncDisposable {
  readonly #servers: Servers
  readonly #ports: ReadonlyMap<Way, Given['ports']>
  readonly #programs = new Map<string, ChildProgram<Told>>()
  #kills = 0

  static async open(servers: Servers): Promise<Shops> {
    const ports = new Map<Way, Given['ports']>()
    const free = await servicePorts(9)
    for (const [index, way] of everyWay().entries()) {
      const [order = 0, stock = 0, notification = 0] = free.slice(3 * index)
      ports.set(way, { order, stock, notification })
    }
    const shops = new Shops(servers, ports)
    try {
      for (const role of ['stock', 'notification', 'order'] as const) await shops.start(role)
    } catch (error) {
      await shops[Symbol.asyncDispose]()
      throw error
    }
    return shops
  }

  private constructor(servers: Servers, ports: ReadonlyMap<Way, Given['ports']>) {
    this.#servers = servers
    this.#ports = ports
  }

  get kills(): number {
    return this.#kills
  }

  orderPort(way: Way): number {
    return this.#portsOf(way).order
  }

  /** This program of all shops. Resolves when all of them do their work. */
  async start(role: Role): Promise<void> {
    const { brokers, postgresUrl } = this.#servers
    await Promise.all(
      everyWay().map(async (way) => {
        const given: Given = { way, role, ports: this.#portsOf(way), brokers, postgresUrl }
        const program = startChild<Told>(join(import.meta.dirname, 'program.ts'), given)
        this.#programs.set(`${way} ${role}`, program)
        await program.heard(`${role} of ${way} is ready`, ({ isReady }) => isReady)
      }),
    )
  }

  /** SIGKILL for this program of all shops. */
  async kill(role: Role): Promise<void> {
    await Promise.all(
      everyWay().map(async (way) => {
        const hasBeenKilled = await this.#programs.get(`${way} ${role}`)?.kill()
        if (hasBeenKilled !== true) throw new Error(`${role} of ${way} had ended before it was killed`)
        this.#kills += 1
      }),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#programs.values()].map((program) => program.kill()))
  }

  #portsOf(way: Way): Given['ports'] {
    const ports = this.#ports.get(way)
    if (ports === undefined) throw new Error(`There is no shop for ${way}`)
    return ports
  }
}
