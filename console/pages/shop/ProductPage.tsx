import { Anchor, Button, Group, NumberInput, Stack, Text } from '@mantine/core'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ProductPageView } from '@timesale/contracts/storefront-api'
import { useGet } from '../../api/use-get.ts'
import { Loaded } from '../../ui/Loaded.tsx'
import { Page } from '../../ui/Page.tsx'
import { ViewAge } from '../../ui/ViewAge.tsx'
import { BuyerSeat } from './BuyerSeat.tsx'
import { newOrderId } from './place-order.ts'
import { OrderLine } from './OrderLine.tsx'
import { Price } from './Price.tsx'

const route = getRouteApi('/shop/$productId')
const EVERY_MS = 1_000
const SHOWN_MAX = 20

/** One product: its price and time sale, a button to buy it, and what became of what was bought here. */
export function ProductPage() {
  const { productId } = route.useParams()
  const { i18n } = useTranslation()
  // Asked for below, once there is a buyer.
  const { data, dataUpdatedAt } = useGet<ProductPageView>('buyer', pathOf(productId), { enabled: false })
  const name = data?.name[i18n.language === 'ko' ? 'ko' : 'en'] ?? productId
  return (
    <Page key={productId} title={name} beside={<ViewAge group="storefront" readAt={dataUpdatedAt} />}>
      <BuyerSeat>
        <Product productId={productId} />
      </BuyerSeat>
    </Page>
  )
}

function pathOf(productId: string): string {
  return `/api/products/${productId}`
}

interface Bought {
  readonly orderId: string
  readonly quantity: number
}

function Product({ productId }: { productId: string }) {
  const { t } = useTranslation('shop')
  const product = useGet<ProductPageView>('buyer', pathOf(productId), { everyMs: EVERY_MS })
  const [quantity, setQuantity] = useState(1)
  const [bought, setBought] = useState<readonly Bought[]>([])
  return (
    <>
      <Anchor component={Link} to="/shop">
        {t('back')}
      </Anchor>
      <Loaded query={product}>
        {(told) => (
          <Stack gap="md" data-product={productId}>
            <Price product={told} size="xl" />
            {told.shopId === undefined ? null : (
              <Text size="sm" c="dimmed">
                {t('shopOf', { shop: told.shopId })}
              </Text>
            )}
            <form
              onSubmit={(event) => {
                event.preventDefault()
                setBought([{ orderId: newOrderId(), quantity }, ...bought].slice(0, SHOWN_MAX))
              }}
            >
              <Group align="flex-end" gap="sm">
                <NumberInput
                  label={t('quantity')}
                  value={quantity}
                  onChange={(value) => setQuantity(Number(value))}
                  min={1}
                  max={1_000}
                  clampBehavior="strict"
                  allowDecimal={false}
                  w={110}
                />
                <Button type="submit" disabled={quantity < 1}>
                  {t('buy')}
                </Button>
              </Group>
            </form>
          </Stack>
        )}
      </Loaded>
      {bought.length === 0 ? null : (
        <Stack component="section" gap="xs" aria-label={t('ordered')}>
          <Text fw={600}>{t('ordered')}</Text>
          {bought.map((order, index) => (
            <OrderLine key={order.orderId} productId={productId} isNewest={index === 0} {...order} />
          ))}
        </Stack>
      )}
    </>
  )
}
