import { join } from 'node:path'
import { servicePorts } from '@timesale/testkit/infrastructure'
import { startChild } from '../framework/child-program.ts'
import type { Counts, Given, Told } from './program.ts'

/** program.ts in a process of its own. */
export interface PageServer extends AsyncDisposable {
  readonly pid: number
  readonly port: number
  /** The page of a product as it is answered now. */
  page(productId: string): Promise<string>
  counts(): Promise<Counts>
}

export async function startPageServer(given: Omit<Given, 'port'>): Promise<PageServer> {
  const [port] = await servicePorts(1)
  const program = startChild<Told>(join(import.meta.dirname, 'program.ts'), { ...given, port } satisfies Given)
  const answerTo = async (path: string): Promise<Response> => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`)
    if (!answer.ok) throw new Error(`${path} was answered ${answer.status}`)
    return answer
  }
  let pid: number
  try {
    pid = await program.heard('pages are served', (told) => told.pid)
  } catch (error) {
    await program[Symbol.asyncDispose]()
    throw error
  }
  return {
    ...{ pid, port },
    page: async (productId) => await (await answerTo(`/products/${productId}`)).text(),
    counts: async () => (await (await answerTo('/counts')).json()) as Counts,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  }
}
