import { calm } from './calm.ts'
import { Complaint } from '../commands/command-line.ts'
import type { Addresses } from './control-server.ts'
import type { DataFolder } from '../shop/data-folder.ts'
import { prefixed, readableLine } from './log-lines.ts'
import { LogTail } from './log-tail.ts'
import type { Part } from '../part.ts'
import { PartRunner } from './part-runner.ts'
import { refusal, type PartAction, type PartState } from './part-state.ts'
import { PidRecord } from './pid-record.ts'
import { Rush } from './rush.ts'
import { needsToken } from '../shop/needs-token.ts'
import type { Shop } from '../shop/shop.ts'
import { inStoppingOrder } from './stopping-order.ts'
import type { Terminal } from '../commands/terminal.ts'

/** A part as others see it. */
export interface PartStatus {
  readonly name: string
  readonly kind: Part['kind']
  readonly pid: number | null
  readonly port: number
  readonly state: PartState
}

const TAIL_MS = 200
/** How long `start` and `restart` wait; the part is started and goes on trying in any case. */
const READY_WITHIN_MS = 60_000

/** All parts of a running shop. Ends them in order when it is disposed of. */
export class Supervisor implements AsyncDisposable {
  readonly rush: Rush
  readonly #shop: Shop
  readonly #runners = new Map<string, PartRunner>()
  readonly #terminal: Terminal
  readonly #hurry = new AbortController()
  readonly #stopTailing: () => void
  #stopping: Promise<void> | undefined

  constructor(options: { shop: Shop; folder: DataFolder; terminal: Terminal; verbose: boolean }) {
    const { shop, folder, terminal, verbose } = options
    this.#shop = shop
    this.#terminal = terminal
    const pids = new PidRecord(folder.pids)
    this.rush = new Rush({
      dataFolder: folder.path,
      pids,
      needsToken: () => needsToken(`http://127.0.0.1:${shop.ports.service('order')}`),
    })
    const tails: LogTail[] = []
    for (const part of [...shop.infrastructure, ...shop.services]) {
      const logFile = folder.log(part.name)
      const say = terminal.part.bind(terminal)
      this.#runners.set(part.name, new PartRunner(part, { logFile, pids, say }))
      tails.push(new LogTail(logFile, lineShower(part, terminal, verbose)))
    }
    const timer = setInterval(() => {
      for (const tail of tails) {
        tail.poll()
        tail.rotate()
      }
    }, TAIL_MS)
    this.#stopTailing = () => {
      clearInterval(timer)
      for (const tail of tails) tail.poll()
    }
  }

  get stopping(): boolean {
    return this.#stopping !== undefined
  }

  status(): PartStatus[] {
    const own = [...this.#runners.values()].map(({ part, pid, state }) => {
      return { name: part.name, kind: part.kind, pid, port: part.port, state }
    })
    const external = this.#shop.external.map((part) => ({ ...part, pid: null, state: 'external' as const }))
    const services = new Set(this.#shop.services.map(({ name }) => name))
    // Services first: they are what a person looks for.
    return [...own, ...external].toSorted((a, b) => Number(services.has(b.name)) - Number(services.has(a.name)))
  }

  addresses(): Addresses {
    const { kafkaBrokers, databases, signingKey } = this.#shop
    return {
      kafkaBrokers,
      signingKey,
      databases: Object.fromEntries(databases.map(({ service, serviceUrl }) => [service, serviceUrl])),
    }
  }

  runner(name: string): PartRunner {
    const runner = this.#runners.get(name)
    if (runner !== undefined) return runner
    if (this.#shop.external.some((part) => part.name === name))
      throw new Complaint(`${name}: ${refusal('external', 'stop')}.`)
    throw new Complaint(
      `There is no part '${name}'. There are: ${this.status()
        .map((part) => part.name)
        .join(', ')}.`,
    )
  }

  /** Does it, waits until it is so, and says what happened. */
  async act(name: string, action: PartAction): Promise<string> {
    const runner = this.runner(name)
    if (this.stopping) throw new Complaint('The shop is being stopped.')
    const reason = refusal(runner.state, action)
    if (reason !== undefined) throw new Complaint(`${name}: ${reason}.`)
    const text = await this.#carryOut(runner, action)
    // What it takes to become ready is told already.
    if (action !== 'start' && action !== 'restart') this.#terminal.part(name, text)
    return `${name} ${text}.`
  }

  async #carryOut(runner: PartRunner, action: PartAction): Promise<string> {
    switch (action) {
      case 'stop':
        if (runner.state === 'stopped') return 'was stopped already'
        return (await runner.stop()) === 'ended'
          ? 'is stopped, and stays so until it is started'
          : 'did not stop in time and was killed; it stays down until it is started'
      case 'kill':
        if (runner.state === 'stopped') return 'was stopped already'
        await runner.kill()
        return 'is killed, and stays down until it is started'
      case 'pause':
        runner.pause()
        return 'is paused: it holds its port and answers nothing until it is resumed'
      case 'resume':
        runner.resume()
        return 'is running again'
      case 'restart':
        await runner.stop()
        return await this.#started(runner)
      case 'start':
        if (runner.state === 'running') return 'was running already'
        await runner.part.prepare()
        return await this.#started(runner)
    }
  }

  async #started(runner: PartRunner): Promise<string> {
    await runner.start()
    const settled = () => runner.state === 'running' || runner.state === 'stopped' || runner.deaths >= 3
    await runner.until(settled, READY_WITHIN_MS)
    const { name, port } = runner.part
    if (runner.state === 'running') return `is running on port ${port} (pid ${runner.pid})`
    if (runner.state === 'stopped') throw new Complaint(`${name} was stopped while it was starting.`)
    const why =
      runner.deaths > 0 ? `it ${runner.lastDeath}, ${runner.deaths} times so far` : 'it runs but does not answer yet'
    throw new Complaint(`${name} is not ready: ${why}. It goes on being tried; see npm run logs -- ${name}`)
  }

  /** Services first, PostgreSQL last, each group at once. Asked a second time it only waits. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stopAll()
    await this.#stopping
  }

  /** No more patience: whatever still runs is killed at once. */
  force(): void {
    this.#hurry.abort()
  }

  async #stopAll(): Promise<void> {
    await this.rush.close()
    const groups = inStoppingOrder([...this.#runners.values()], ({ part }) => part.kind)
    for (const group of groups) {
      await Promise.all(
        group.map(async (runner) => {
          const ran = runner.pid !== null
          const how = await runner.stop(this.#hurry.signal)
          const killed = this.#hurry.signal.aborted ? 'killed' : 'did not stop in time and was killed'
          if (ran) this.#terminal.part(runner.part.name, how === 'ended' ? 'stopped' : killed)
        }),
      )
    }
    this.#stopTailing()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

function lineShower(part: Part, terminal: Terminal, verbose: boolean): (line: string) => void {
  const seldom = calm()
  return (line) => {
    const { text, important } = readableLine(line, part.kind)
    if (verbose) return terminal.line(prefixed(part.name, text))
    const shown = important ? seldom(text) : undefined
    if (shown !== undefined) terminal.part(part.name, shown, 'warn')
  }
}
