import { ProductParams } from '@timesale/contracts/order-api'
import { Problem } from '@timesale/contracts/problem'
import { Refusal } from '@timesale/contracts/refusals'
import { StockView } from '@timesale/contracts/stock-api'
import type { HttpServer } from '@timesale/http/server'
import type { ServiceParts } from '@timesale/service/service'
import { findLevels } from '../db/stock-levels.ts'

// GET /stock/:productId
export function readStockRoute(app: HttpServer, { db }: ServiceParts): void {
  app.get(
    '/stock/:productId',
    {
      schema: {
        summary: 'What there is of a product',
        tags: ['stock'],
        params: ProductParams,
        response: { 200: StockView, default: Problem },
      },
    },
    async (request) => {
      const { productId } = request.params
      const [level] = await findLevels(db.sql, [productId])
      if (level === undefined) throw new Refusal('product-not-found', { productId })
      return level
    },
  )
}
