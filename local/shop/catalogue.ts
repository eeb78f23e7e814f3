import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AsOperator } from './as-operator.ts'
import { Complaint } from '../commands/command-line.ts'
import catalogue from './catalogue.json' with { type: 'json' }
import type { DataFolder } from './data-folder.ts'

/** The product that must be on sale for the shop to be ready: what every example orders. */
export const exampleProduct = 'A001'

const ANSWER_MS = 5000
const RETRY_MS = 300

/** Puts the example catalogue on sale, once in the life of a data folder; a crash half way is made good by the next start. */
export async function putCatalogueOnSale(
  folder: DataFolder,
  productPort: number,
  as: AsOperator,
  until: AbortSignal,
): Promise<number> {
  if (existsSync(folder.catalogueMarker)) return 0
  for (const product of catalogue) await putOnSale(product, productPort, as, until)
  writeFileSync(folder.catalogueMarker, `${new Date().toISOString()}\n`)
  return catalogue.length
}

async function putOnSale(
  product: (typeof catalogue)[number],
  port: number,
  as: AsOperator,
  until: AbortSignal,
): Promise<void> {
  for (;;) {
    const { status, text } = await post(`http://127.0.0.1:${port}/products`, product, as)
    // 409: it is there, and somebody has changed it since.
    if (status === 200 || status === 201 || status === 409) return
    if ((status >= 400 && status < 500) || until.aborted) {
      throw new Complaint(
        `The product service did not take ${product.productId} into the catalogue (${status === 0 ? '' : `${status} `}${text}).`,
      )
    }
    await sleep(RETRY_MS)
  }
}

async function post(url: string, body: object, as: AsOperator): Promise<{ status: number; text: string }> {
  try {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(await as()) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    })
    return { status: answer.status, text: await answer.text() }
  } catch (error) {
    return { status: 0, text: error instanceof Error ? error.message : String(error) }
  }
}
