import { servicePorts } from '@timesale/testkit/infrastructure'
import { publicKeys } from './access-tokens.ts'
import { startProgram } from './program.ts'
import type { BarePagesOptions } from './programs/bare-pages.ts'
import type { Server } from './service.ts'

/** Fastify that answers one page for every product. */
export interface BarePages extends Server {
  /** How often it has done so. */
  counted(): Promise<number>
}

export async function startBarePages(page: string): Promise<BarePages> {
  const [port] = await servicePorts(1)
  const options: BarePagesOptions = { port, page, keys: await publicKeys() }
  const program = await startProgram<{ listening?: true; pages?: number }, { count: true }>('bare-pages', [
    JSON.stringify(options),
  ])
  await program.next(({ listening }) => listening)
  return {
    pid: program.pid,
    port,
    counted() {
      program.send({ count: true })
      return program.next(({ pages }) => pages)
    },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  }
}
