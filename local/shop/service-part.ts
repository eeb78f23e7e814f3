import { join } from 'node:path'
import { cloneRoot } from './data-folder.ts'
import type { Part } from '../part.ts'
import type { ServiceName } from './ports.ts'

const host = '127.0.0.1'
const ANSWER_MS = 900

/** What a service says of itself at /readyz. */
interface ServiceHealth {
  /** 0 when it does not answer. */
  readonly httpStatus: number
  readonly reasons: readonly string[]
  /** Absent for a service that consumes nothing. */
  readonly consumer?: string
}

export function servicePart(options: {
  readonly name: ServiceName
  readonly port: number
  readonly env: Readonly<Record<string, string>>
  /** Another entry point, in tests. */
  readonly main?: string
}): Part {
  const { name, port, env } = options
  const main = options.main ?? join(cloneRoot, 'services', name, 'main.ts')
  return {
    name,
    kind: 'service',
    host,
    port,
    prepare: async () => {},
    // Node itself and not `npm run`, whose shell would keep the signals to itself.
    launch: async () => ({ file: process.execPath, args: [main], env, cwd: cloneRoot }),
    ready: async () => (await askHealth(port)).httpStatus === 200,
    stopSignal: 'SIGTERM',
    // A little more than what a service takes at most to stop by itself.
    stopTimeoutMs: 15_000,
  }
}

/** Never throws, and takes less than a second. */
export async function askHealth(port: number): Promise<ServiceHealth> {
  try {
    const answer = await fetch(`http://${host}:${port}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) })
    const body = (await answer.json()) as { reasons?: unknown; consumer?: unknown }
    return {
      httpStatus: answer.status,
      reasons: Array.isArray(body.reasons) ? body.reasons.map(String) : [],
      ...(typeof body.consumer === 'string' ? { consumer: body.consumer } : {}),
    }
  } catch {
    return { httpStatus: 0, reasons: [] }
  }
}
