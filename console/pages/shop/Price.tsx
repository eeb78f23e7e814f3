import { Badge, Group, Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { ProductPageView } from '@timesale/contracts/storefront-api'
import { useNumbers } from '../../ui/numbers.ts'
import { useNow } from '../../ui/use-now.ts'
import { saleAt } from './sale-clock.ts'

type Product = Pick<ProductPageView, 'priceMinor' | 'currency' | 'sale' | 'stockLeft'>

/** What it costs now, what is left, and how long that is so. */
export function Price({ product, size = 'md' }: { product: Product; size?: 'md' | 'xl' }) {
  const { t } = useTranslation('shop')
  const { money, whole } = useNumbers()
  const now = useNow()
  const { priceMinor, currency, stockLeft } = product
  const sale = product.sale === undefined ? undefined : saleAt(product.sale, now)
  const isOn = sale?.state === 'running'
  return (
    <Stack gap={4}>
      <Group gap="xs" align="baseline">
        <Text fw={700} size={size}>
          {money(isOn ? (product.sale?.priceMinor ?? priceMinor) : priceMinor, currency)}
        </Text>
        {isOn ? (
          <Text size="sm" c="dimmed" td="line-through">
            {t('usually', { price: money(priceMinor, currency) })}
          </Text>
        ) : null}
      </Group>
      <Text size="sm" c={stockLeft === 0 ? 'red' : 'dimmed'} data-stock-left={stockLeft}>
        {stockLeft === 0 ? t('soldOut') : t('left', { count: stockLeft, replace: { count: whole(stockLeft) } })}
      </Text>
      {product.sale === undefined || sale === undefined ? null : (
        <Group gap="xs">
          <Badge color={isOn ? 'red' : 'gray'} data-sale={sale.state}>
            {t('timeSale')}
          </Badge>
          <Text size="sm" fw={600}>
            {sale.state === 'upcoming'
              ? t('startsIn', { time: sale.clock })
              : sale.state === 'running'
                ? t('endsIn', { time: sale.clock })
                : t('ended')}
          </Text>
          <Text size="sm" c="dimmed">
            {t('saleLeft', { count: product.sale.unitsLeft, replace: { count: whole(product.sale.unitsLeft) } })}
            {product.sale.limitPerBuyer === undefined ? '' : `, ${t('limit', { count: product.sale.limitPerBuyer })}`}
          </Text>
        </Group>
      )}
    </Stack>
  )
}
