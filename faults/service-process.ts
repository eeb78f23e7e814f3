import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, type WriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServiceName } from '@timesale/local/shop/ports'
import { readMetric } from '@timesale/testkit/metrics'
import { until } from '@timesale/testkit/until'

// Nothing here is about how fast a service starts, and many things start at once.
const START_WITHIN_MS = 120_000
const ROOT = join(import.meta.dirname, '..')

export interface ServiceProcessOptions {
  /** `order-2` */
  readonly name: string
  readonly service: ServiceName
  readonly port: number
  readonly env: NodeJS.ProcessEnv
  readonly logFile: string
}

/** One process of a service, as in production: a fault can hit it without hitting the others. */
export class ServiceProcess {
  readonly name: string
  readonly url: string
  readonly #options: ServiceProcessOptions
  readonly #log: WriteStream
  #child: ChildProcess | undefined

  constructor(options: ServiceProcessOptions) {
    this.name = options.name
    this.url = `http://127.0.0.1:${options.port}`
    this.#options = options
    this.#log = createWriteStream(options.logFile, { flags: 'a' })
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves when it listens; it may wait for its servers still. */
  async start(): Promise<void> {
    const { service, port, env } = this.#options
    const child = spawn(process.execPath, [join(ROOT, 'services', service, 'main.ts')], {
      cwd: ROOT,
      env: { ...env, HTTP_PORT: String(port), PATH: process.env['PATH'] },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.pipe(this.#log, { end: false })
    child.stderr.pipe(this.#log, { end: false })
    this.#child = child
    const listens = (): Promise<boolean> => this.#answers('/livez')
    await until(`${this.name} listens`, () => !this.running || listens(), START_WITHIN_MS)
    if (!this.running) throw new Error(`${this.name} ended: ${child.exitCode ?? child.signalCode}`)
  }

  /** Its consumer has joined and nothing is degraded. */
  async ready(): Promise<void> {
    await until(`${this.name} is ready`, () => this.#answers('/readyz', /"status":"ready"/), START_WITHIN_MS)
  }

  pause(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  /** Gone when this resolves, with its exit code; null where a signal has ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === undefined || !this.running) return child?.exitCode ?? null
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
    return child.exitCode
  }

  metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return readMetric(this.url, name, labels)
  }

  /** What it has logged so far. */
  log(): Promise<string> {
    return readFile(this.#options.logFile, 'utf8')
  }

  async close(): Promise<void> {
    // A paused process hears of nothing but this.
    await this.end('SIGKILL')
    this.#log.end()
  }

  async #answers(path: string, text = /./): Promise<boolean> {
    const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(1_000) })
    return text.test(await response.text()) && response.ok
  }
}
