import { told, type LevelAccount, type OrderAccount, type ProductAccount, type ReservationAccount } from './accounts.ts'
import type { Look } from './books.ts'
import { count, type Rule, type Rulebook } from './finding.ts'

export interface StockBooks {
  readonly reservations: Map<string, ReservationAccount>
  readonly levels: Map<string, LevelAccount>
  /** Units that came to a product, or back to it, and when: milliseconds since the epoch. */
  readonly arrivals: readonly Arrival[]
}

export interface Arrival {
  readonly productId: string
  readonly quantity: number
  readonly at: number
  /** Given back by an order that was cancelled; else it was put on sale. */
  readonly isReturn: boolean
  /** Of which time sale they are, where they are of one, and who gave them back. */
  readonly saleId: string | undefined
  readonly buyerId: string | undefined
}

/** What the stock database says, and whether it agrees with itself. */
export async function readStock(look: Look, rules: Rulebook): Promise<StockBooks> {
  const reservations = new Map<string, ReservationAccount>()
  await look.each<[string, string, number, string, number, string | null, string | null]>(
    'select order_id, product_id, quantity, state, version, sale_id, buyer_id from reservations',
    ([orderId, productId, quantity, state, version, saleId, buyerId]) => {
      const sale = saleId === null || buyerId === null ? undefined : { saleId, buyerId }
      reservations.set(orderId, { ...told(version), productId, quantity, state, sale })
    },
  )
  const levels = await readLevels(look)
  await checkLevels(look, rules)
  await checkLedger(look, rules)
  const arrivals = await look.rows<[string, number, Date, string | null, string]>(
    "select product_id, quantity, at, order_id, kind from stock_ledger where kind in ('RELEASE', 'RESTOCK')",
  )
  return {
    reservations,
    levels,
    arrivals: arrivals.map(([productId, quantity, at, orderId, kind]) => {
      const { saleId, buyerId } = (orderId === null ? undefined : reservations.get(orderId)?.sale) ?? {}
      return { productId, quantity, at: at.getTime(), isReturn: kind === 'RELEASE', saleId, buyerId }
    }),
  }
}

async function readLevels(look: Look): Promise<Map<string, LevelAccount>> {
  const restocks = await look.rows<[string, number, string]>(`
    select product_id, version, sum(quantity) over (partition by product_id order by version)
    from stock_ledger where kind = 'RESTOCK'`)
  const announced = Map.groupBy(restocks, ([productId]) => productId)
  const rows = await look.rows<[string, number, number, number, number, number]>(
    'select product_id, initial, available, reserved, sold, announced from stock_levels order by product_id',
  )
  return new Map(
    rows.map(([productId, initial, available, reserved, sold, version]) => {
      const units = (announced.get(productId) ?? []).map(([, of, sum]) => [of, Number(sum)] as const)
      return [productId, { ...told(version), initial, available, reserved, sold, announced: new Map(units) }]
    }),
  )
}

async function checkLevels(look: Look, rules: Rulebook): Promise<void> {
  const [size] = await look.rows<[string, string]>(
    "select (select count(*) from stock_levels), (select count(*) from reservations where state <> 'TOMBSTONE')",
  )
  const products = `${count(Number(size?.[0]))} products`
  const kept = rules.rule('conserved')
  kept.says(products)
  const unkept = await look.rows<[string]>(`
    select product_id from stock_levels
    where available + reserved + sold <> initial or least(initial, available, reserved, sold) < 0`)
  for (const [productId] of unkept) kept.broken(`${productId}: available + reserved + sold is not initial`)
  const [check] = await look.rows<[string]>(`
    select count(*) from pg_constraint
    where conrelid = 'stock_levels'::regclass and conname = 'conservation' and contype = 'c' and convalidated`)
  if (check?.[0] !== '1') kept.broken('the CHECK of conservation is gone')

  const counted = rules.rule('counted')
  counted.says(`${products}, ${count(Number(size?.[1]))} reservations`)
  const uncounted = await look.rows<[string, number | null, number | null, string | null, string | null]>(`
    select product_id, levels.reserved, levels.sold, held, committed
    from stock_levels as levels
    full join (
      select product_id, coalesce(sum(quantity) filter (where state = 'HELD'), 0) as held,
        coalesce(sum(quantity) filter (where state = 'COMMITTED'), 0) as committed
      from reservations group by product_id) as counted using (product_id)
    where coalesce(levels.reserved, 0) <> coalesce(held, 0) or coalesce(levels.sold, 0) <> coalesce(committed, 0)`)
  for (const [productId, reserved, sold, held, committed] of uncounted) {
    counted.broken(
      `${productId}: ${reserved ?? 0} reserved and ${sold ?? 0} sold, by reservations ${held ?? 0} and ${committed ?? 0}`,
    )
  }

  const open = rules.rule('held')
  open.says(products)
  const held = await look.rows<[string, number]>("select order_id, quantity from reservations where state = 'HELD'")
  for (const [orderId, quantity] of held) open.broken(`order ${orderId} holds ${quantity}`)
  for (const [productId, reserved] of await look.rows<[string, number]>(
    'select product_id, reserved from stock_levels where reserved <> 0',
  )) {
    open.broken(`${reserved} of ${productId} are reserved`)
  }
}

async function checkLedger(look: Look, rules: Rulebook): Promise<void> {
  const replayed = rules.rule('ledger')
  const unled = await look.rows<[string]>(`
    select product_id
    from stock_levels
    full join (
      select product_id,
        sum(quantity) filter (where kind = 'RESTOCK') as restocked,
        sum(case kind when 'RESERVE' then -quantity when 'COMMIT' then 0 else quantity end) as available,
        sum(case kind when 'RESERVE' then quantity when 'RESTOCK' then 0 else -quantity end) as reserved,
        sum(quantity) filter (where kind = 'COMMIT') as sold
      from stock_ledger group by product_id) as ledger using (product_id)
    where coalesce(initial, 0) <> coalesce(restocked, 0)
      or coalesce(stock_levels.available, 0) <> coalesce(ledger.available, 0)
      or coalesce(stock_levels.reserved, 0) <> coalesce(ledger.reserved, 0)
      or coalesce(stock_levels.sold, 0) <> coalesce(ledger.sold, 0)`)
  for (const [productId] of unled) replayed.broken(`${productId}: its ledger leads elsewhere`)
  const [movements] = await look.rows<[string]>('select count(*) from stock_ledger')
  const size = `${count(Number(movements?.[0]))} movements`
  replayed.says(size)

  const moved = rules.rule('moved')
  moved.says(size)
  const unmoved = await look.rows<[string, string | null, string | null]>(`
    select order_id, state, steps
    from reservations
    full join (
      select order_id, string_agg(movement.version || ' ' || movement.kind, ', ' order by movement.version, movement.id) as steps,
        bool_and(movement.quantity = reservation.quantity and movement.product_id = reservation.product_id) as same
      from stock_ledger as movement
      left join reservations as reservation using (order_id)
      where order_id is not null group by order_id) as ledger using (order_id)
    where same is not true and steps is not null
      or coalesce(steps, '') <> case state
        when 'HELD' then '1 RESERVE'
        when 'COMMITTED' then '1 RESERVE, 2 COMMIT'
        when 'RELEASED' then '1 RESERVE, 2 RELEASE'
        when 'REFUSED' then ''
        when 'TOMBSTONE' then ''
        else 'none' end`)
  for (const [orderId, state, steps] of unmoved) {
    moved.broken(`order ${orderId} is ${state ?? 'without a reservation'}, its units went ${steps ?? 'nowhere'}`)
  }
}

/** What the catalogue says, with the newest version of each product. */
export async function readProducts(look: Look): Promise<Map<string, ProductAccount>> {
  const rows = await look.rows<ProductRow>(
    `select product_id, name_ko, name_en, price_minor, currency, units_on_sale, version, shop_id,
      sale_id, sale_price_minor, sale_units, sale_starts_at, sale_ends_at, sale_limit_per_buyer
    from products`,
  )
  return new Map(
    rows.map(([productId, nameKo, nameEn, price, currency, unitsOnSale, version, shopId, ...sale]) => {
      const about = { nameKo, nameEn, priceMinor: Number(price), currency, unitsOnSale }
      return [productId, { ...told(version), ...about, shopId: shopId ?? undefined, sale: saleOf(sale) }]
    }),
  )
}

type SaleColumns = [
  id: string | null,
  price: string | null,
  units: number | null,
  startsAt: Date | null,
  endsAt: Date | null,
  limit: number | null,
]
type ProductRow = [
  id: string,
  nameKo: string,
  nameEn: string,
  price: string,
  currency: string,
  unitsOnSale: number,
  version: number,
  shopId: string | null,
  ...sale: SaleColumns,
]

function saleOf([saleId, price, units, startsAt, endsAt, limitPerBuyer]: SaleColumns): ProductAccount['sale'] {
  if (saleId === null) return undefined
  return {
    saleId,
    priceMinor: Number(price),
    units,
    startsAt: startsAt?.toISOString(),
    endsAt: endsAt?.toISOString(),
    ...(limitPerBuyer === null ? {} : { limitPerBuyer }),
  }
}

/** What order, stock and catalogue must agree on. */
export function checkOrdersAgainstStock(
  orders: ReadonlyMap<string, OrderAccount>,
  { reservations, levels }: StockBooks,
  products: ReadonlyMap<string, ProductAccount>,
  rules: Rulebook,
): void {
  const agree = rules.rule('reserved')
  agree.says(`${count(orders.size)} orders, ${count(reservations.size)} reservations`)
  for (const [orderId, order] of orders) {
    const reservation = reservations.get(orderId)
    if (reservation === undefined) {
      agree.broken(`order ${orderId} is ${order.status} and has no reservation`)
      continue
    }
    const { state, quantity, productId } = reservation
    // A tombstone came before its order, and knows nothing of a sale.
    if (state !== 'TOMBSTONE') checkSale(orderId, order, reservation, agree)
    if (!(STATES[order.status] ?? []).includes(state)) agree.broken(`order ${orderId} is ${order.status} and ${state}`)
    if (quantity !== order.quantity || productId !== order.productId) {
      agree.broken(
        `order ${orderId} wants ${order.quantity} of ${order.productId}, reserved: ${quantity} of ${productId}`,
      )
    }
  }
  for (const orderId of reservations.keys()) {
    if (!orders.has(orderId)) agree.broken(`a reservation for ${orderId}, which is no order`)
  }
  checkUnits(orders, levels, products, rules)
}

function checkSale(orderId: string, order: OrderAccount, { sale }: ReservationAccount, rule: Rule): void {
  if (sale?.saleId !== order.sale?.saleId) {
    const [of, reserved] = [order.sale?.saleId ?? 'none', sale?.saleId ?? 'none']
    rule.broken(`order ${orderId} is of sale ${of}, its reservation of ${reserved}`)
  }
  if (sale !== undefined && sale.buyerId !== order.buyerId) {
    rule.broken(`order ${orderId} is ${order.buyerId}'s, its reservation ${sale.buyerId}'s`)
  }
}

const STATES: Readonly<Record<string, readonly string[]>> = {
  CONFIRMED: ['COMMITTED'],
  REJECTED: ['REFUSED'],
  CANCELLED: ['RELEASED', 'REFUSED', 'TOMBSTONE'],
  PLACED: [],
}

function checkUnits(
  orders: ReadonlyMap<string, OrderAccount>,
  levels: ReadonlyMap<string, LevelAccount>,
  products: ReadonlyMap<string, ProductAccount>,
  rules: Rulebook,
): void {
  const confirmed = new Map<string, number>()
  for (const { status, productId, quantity } of orders.values()) {
    if (status === 'CONFIRMED') confirmed.set(productId, (confirmed.get(productId) ?? 0) + quantity)
  }
  const oversold = rules.rule('oversold')
  const total = [...confirmed.values()].reduce((sum, units) => sum + units, 0)
  const onSale = [...products.values()].reduce((sum, { unitsOnSale }) => sum + unitsOnSale, 0)
  oversold.says(`${count(total)} units confirmed, ${count(onSale)} were on sale`)
  for (const productId of new Set([...confirmed.keys(), ...levels.keys()])) {
    const units = confirmed.get(productId) ?? 0
    const onSale = products.get(productId)?.unitsOnSale ?? 0
    const sold = levels.get(productId)?.sold ?? 0
    if (units > onSale) oversold.broken(`${productId}: ${units} units are confirmed, ${onSale} were on sale`)
    if (units !== sold) oversold.broken(`${productId}: ${units} units are confirmed, ${sold} are sold`)
  }
  const stocked = rules.rule('stocked')
  const initial = [...levels.values()].reduce((sum, level) => sum + level.initial, 0)
  stocked.says(`${count(initial)} units of ${count(levels.size)} products`)
  for (const productId of new Set([...products.keys(), ...levels.keys()])) {
    const onSale = products.get(productId)?.unitsOnSale
    const initial = levels.get(productId)?.initial
    if (onSale !== initial) {
      stocked.broken(`${productId}: ${onSale ?? 'not'} on sale, ${initial ?? 'not'} in stock`)
    }
  }
}
