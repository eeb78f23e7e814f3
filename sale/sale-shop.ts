import { setTimeout as sleep } from 'node:timers/promises'
import { Complaint } from '@timesale/local/commands/command-line'
import { asBuyer, asOperator, type AsOperator } from '@timesale/local/shop/as-operator'
import { findDataFolder, type DataFolder } from '@timesale/local/shop/data-folder'
import type { ServiceName } from '@timesale/local/shop/ports'
import { askAddresses, askParts, noShop } from '@timesale/local/supervisor/control-client'
import type { PartStatus } from '@timesale/local/supervisor/supervisor'
import type { Books } from '@timesale/verify/verdict'
import { checkParts } from './kills.ts'
import { ownShopNeedsToken, ownShopParts, startOwnShop, type OwnShop } from './own-shop.ts'

/** A running shop, seen from outside. */
export interface SaleShop {
  readonly folder: string
  /** Whether it was started for this sale, and is stopped after it. */
  readonly own: boolean
  readonly books: Books
  url(service: ServiceName): string
  /** Where buyers come in from outside: with `/api` at the end, one for each gateway. */
  readonly gatewayUrls: readonly string[]
  /** What `ask` calls services with. */
  readonly asOperator: AsOperator
  parts(): Promise<PartStatus[]>
}

/** Past the gateway buyers are taken at their word, and here nobody is. */
export const THROUGH_GATEWAY =
  'Nobody gets into this shop without a token (AUTH_MODE), so its buyers come in by the gateway: add --through gateway'

/**
 * The shop of the data folder, or one of its own where no folder was named and none runs. Rejects with a Complaint that
 * says what to do where there is none.
 */
export async function withShop<Result>(
  asked: {
    readonly data: string | undefined
    readonly kill: readonly string[]
    readonly throughGateway: boolean
    readonly signal: AbortSignal
    readonly say: (text: string) => void
  },
  use: (shop: SaleShop) => Promise<Result>,
): Promise<Result> {
  const folder = await findDataFolder(asked.data)
  if ((await askParts(folder)) !== undefined) return await use(await connect(folder, false))
  const named = asked.data ?? process.env['TIMESALE_DATA']
  if (named !== undefined && named !== '') throw new Complaint(noShop(folder))
  await checkOwnShop(asked, process.env)
  asked.say('No shop is running here, so one is started for this sale, in a temporary folder and on free ports.')
  const own: OwnShop = await startOwnShop(asked.signal)
  try {
    return await use(await connect(await findDataFolder(own.folder), true))
  } finally {
    asked.say('Stopping the shop of this sale.')
    await own[Symbol.asyncDispose]()
  }
}

/** Before it is started, which takes half a minute. Rejects with a Complaint where it could not be had as asked. */
export async function checkOwnShop(
  { kill, throughGateway }: { readonly kill: readonly string[]; readonly throughGateway: boolean },
  env: NodeJS.ProcessEnv,
): Promise<void> {
  checkParts(kill, await ownShopParts(env))
  if (!throughGateway && ownShopNeedsToken(env)) throw new Complaint(THROUGH_GATEWAY)
}

async function connect(folder: DataFolder, own: boolean): Promise<SaleShop> {
  const parts = async (): Promise<PartStatus[]> => {
    const found = await askParts(folder)
    if (found === undefined) throw new Complaint(noShop(folder))
    return found
  }
  const [first, addresses] = [await parts(), await askAddresses(folder)]
  if (addresses === undefined) throw new Complaint(noShop(folder))
  const url = (service: ServiceName): string => {
    const port = first.find(({ name }) => name === service)?.port
    if (port === undefined) throw new Complaint(`The shop has no ${service} service. Look at npm run status.`)
    return `http://127.0.0.1:${port}`
  }
  const [operator, buyer] = [asOperator(addresses.signingKey), asBuyer(addresses.signingKey)]
  return {
    folder: folder.path,
    own,
    asOperator: operator,
    books: {
      brokers: addresses.kafkaBrokers,
      storefront: {
        url: url('storefront'),
        headers: (buyerId) => (buyerId === undefined ? operator() : buyer(buyerId)),
      },
      databaseUrl: (service) => {
        const url = addresses.databases[service]
        if (url === undefined) throw new Complaint(`The shop says nothing of a database of ${service}.`)
        return url
      },
    },
    url,
    gatewayUrls: gatewayUrls(url('gateway')),
    parts,
  }
}

/** Those of GATEWAY_URLS, with commas between, where there are more than the shop's own. */
function gatewayUrls(own: string): string[] {
  const urls = (process.env['GATEWAY_URLS'] ?? '').split(',').map((url) => url.trim().replace(/\/$/, ''))
  const given = urls.filter((url) => url !== '')
  const wrong = given.find((url) => !/^https?:\/\/[^/]+$/.test(url))
  if (wrong !== undefined) throw new Complaint(`GATEWAY_URLS must be like http://127.0.0.1:8080, not '${wrong}'`)
  return (given.length === 0 ? [own] : given).map((url) => `${url}/api`)
}

const ORDERABLE_WITHIN_MS = 30_000
const ANSWER_MS = 5_000
/** In won, which has no smaller unit. */
const PRICE = 19_900

/** Puts a new product on sale, and waits until it can be ordered. */
export async function putOnSale(
  shop: SaleShop,
  product: { readonly productId: string; readonly units: number; readonly signal: AbortSignal },
): Promise<void> {
  const { productId, units, signal } = product
  const name = { ko: `타임세일 ${productId}`, en: `Time sale ${productId}` }
  const answer = await ask(shop, 'product', '/products', { productId, name, priceMinor: PRICE, currency: 'KRW', units })
  if (answer.status !== 201) {
    throw new Complaint(
      `The product service answered ${answer.status}: ${await answer.text()}\nLook at npm run status.`,
    )
  }
  await until(async () => (await ask(shop, 'order', `/orderable-products/${productId}`)).status === 200, signal)
}

/** A time sale of all units of a product. */
export interface TimeSale {
  readonly startsAt: Date
  readonly endsAt: Date
  readonly limitPerBuyer: number
}

const SALE_PRICE = 9_900
/** Long enough for whatever is killed meanwhile. */
const SALE_MIN_MS = 60 * 60 * 1000

/** How long a time sale goes on whose buyers come for so long. */
export function saleMs(rushMs: number): number {
  return Math.max(SALE_MIN_MS, 2 * rushMs)
}

/** Puts a time sale on a product, and waits until order knows of it: before that it would sell at the usual price. */
export async function startTimeSale(
  shop: SaleShop,
  { productId, units, startsAt, endsAt, limitPerBuyer, signal }: TimeSale & Parameters<typeof putOnSale>[1],
): Promise<void> {
  const sale = {
    saleId: productId,
    priceMinor: SALE_PRICE,
    units,
    startsAt: startsAt.toISOString(),
    endsAt: endsAt.toISOString(),
    limitPerBuyer,
  }
  const answer = await ask(shop, 'product', `/products/${productId}/sale`, sale, 'PUT')
  if (answer.status !== 200) {
    throw new Complaint(`The product service answered ${answer.status} to a time sale: ${await answer.text()}`)
  }
  await until(async () => {
    const product = await ask(shop, 'order', `/orderable-products/${productId}`)
    return (await product.text()).includes('"saleId"')
  }, signal)
}

/** Asks until it is so; rejects with a Complaint after half a minute. */
async function until(isSo: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const end = performance.now() + ORDERABLE_WITHIN_MS
  while (!(await isSo())) {
    signal.throwIfAborted()
    if (performance.now() > end) {
      throw new Complaint(
        `The product cannot be ordered after ${ORDERABLE_WITHIN_MS / 1000} s: order must hear of it from product and from stock.\n` +
          'npm run status says which part is down or behind, and npm run part -- start NAME starts it.',
      )
    }
    await sleep(50)
  }
}

/** Rejects with a Complaint where a service does not answer. */
export async function ask(
  shop: SaleShop,
  service: ServiceName,
  path: string,
  body?: unknown,
  method = 'POST',
): Promise<Response> {
  try {
    const headers = await shop.asOperator()
    return await fetch(`${shop.url(service)}${path}`, {
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body === undefined
        ? { headers }
        : { method, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
  } catch (cause) {
    throw new Complaint(
      `The ${service} service does not answer at ${shop.url(service)}. Look at npm run status; npm run part -- start ${service} starts it.`,
      { cause },
    )
  }
}
