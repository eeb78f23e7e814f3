/** How one child process of a local shop is started. */
export interface Launch {
  readonly file: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** The OS user to run as, when the supervisor is root and the part must not be (PostgreSQL). */
  readonly uid?: number
  readonly gid?: number
}

/** A database, a broker, the cache or a service: one process the supervisor starts, watches and ends. */
export interface Part {
  /** `order`, `postgres-order`, `kafka-1`, `redis`. */
  readonly name: string
  readonly kind: 'database' | 'broker' | 'cache' | 'service'
  readonly host: string
  readonly port: number
  /** Every other port the process listens on. */
  readonly morePorts?: readonly number[]
  /** What must exist before the process starts (initdb, storage format, config files). Idempotent, and safe after a crash half way. */
  prepare(): Promise<void>
  /** The process to spawn; asked for anew at each start. */
  launch(): Promise<Launch>
  /** True once the part answers on its own protocol. Never throws, and gives up by itself within a second. */
  ready(): Promise<boolean>
  readonly stopSignal: NodeJS.Signals
  /** After this long the part is killed. */
  readonly stopTimeoutMs: number
}
