import { servicePorts } from '@timesale/testkit/infrastructure'
import { acceptedOf, startLoad, type LoadResult } from './generator/load.ts'
import { orderIdPrefix } from './generator/order-request.ts'
import { startProgram } from './program.ts'

/** How long samples of requests last. */
export interface SampleLength {
  readonly warmUpMs: number
  readonly sampleMs: number
}

/** Requests a second of fastify alone, with the same schemas and the same load. */
export async function sampleBare(connections: number, products: number, length: SampleLength): Promise<LoadResult> {
  const [port] = await servicePorts(1)
  await using server = await startProgram<{ listening: true }>('bare-server', [String(port)])
  await server.next(({ listening }) => listening)
  await using load = await startLoad({ port, connections, ...length, idPrefix: orderIdPrefix(), products })
  const result = await load.result
  acceptedOf(result)
  return result
}
