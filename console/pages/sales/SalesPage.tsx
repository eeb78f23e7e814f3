import { Group, SegmentedControl, Table, Text, Title } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { SalesMinute, TopProduct } from '@timesale/contracts/analytics-api'
import type Type from 'typebox'
import { call } from '../../api/call.ts'
import { gatewayNow } from '../../api/clock.ts'
import { useGet, withQuery } from '../../api/use-get.ts'
import { Chart } from '../../ui/Chart.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { Loaded } from '../../ui/Loaded.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import { Page } from '../../ui/Page.tsx'
import { ViewAge } from '../../ui/ViewAge.tsx'
import { everyMinute, revenueOf } from './sales-by-minute.ts'

type Product = Type.Static<typeof TopProduct>

const route = getRouteApi('/sales')
const EVERY_MS = 2_000
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
const SPANS = { hour: HOUR_MS, sixHours: 6 * HOUR_MS, day: 24 * HOUR_MS } as const
type Span = keyof typeof SPANS

/** What was sold: by minute and by product, from analytics. */
export function SalesPage() {
  const { t } = useTranslation('sales')
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const span: Span = search.span === 'sixHours' || search.span === 'day' ? search.span : 'hour'
  const sales = useQuery({
    queryKey: ['operator', '/api/sales', span],
    queryFn: async ({ signal }) => {
      const to = gatewayNow()
      const from = to - SPANS[span]
      const query = { from: new Date(from).toISOString(), to: new Date(to + MINUTE_MS).toISOString() }
      return { from, to, sold: await call<SalesMinute[]>('operator', withQuery('/api/sales', query), { signal }) }
    },
    refetchInterval: EVERY_MS,
  })
  const top = useGet<Product[]>('operator', '/api/top-products', { everyMs: EVERY_MS })
  const readAt = Math.min(sales.dataUpdatedAt, top.dataUpdatedAt)
  return (
    <Page title={t('title')} beside={<ViewAge group="analytics" readAt={readAt} />}>
      <SegmentedControl
        aria-label={t('span')}
        value={span}
        onChange={(chosen) => void navigate({ search: { span: chosen } })}
        data={(Object.keys(SPANS) as Span[]).map((value) => ({ value, label: t(value) }))}
      />
      <Loaded query={sales}>{(told) => <ByMinute {...told} />}</Loaded>
      <section aria-label={t('top')}>
        <Title order={2} size="h4">
          {t('top')}
        </Title>
        <Loaded query={top}>{(products) => <Best products={products} />}</Loaded>
      </section>
      <Text size="sm" c="dimmed">
        {t('source')}
      </Text>
    </Page>
  )
}

function ByMinute({ from, to, sold }: { from: number; to: number; sold: readonly SalesMinute[] }) {
  const { t } = useTranslation('sales')
  const { whole, money } = useNumbers()
  const minutes = useMemo(() => everyMinute(sold, from, to), [sold, from, to])
  const units = minutes.reduce((sum, minute) => sum + minute.units, 0)
  const orders = minutes.reduce((sum, minute) => sum + minute.orders, 0)
  const option = useMemo(
    () => ({
      tooltip: { trigger: 'axis' },
      legend: { top: 0 },
      grid: { left: 8, right: 8, top: 32, bottom: 4, containLabel: true },
      xAxis: { type: 'time' },
      yAxis: { type: 'value', minInterval: 1 },
      series: [
        { id: 'units', name: t('units'), type: 'bar', data: minutes.map((minute) => [minute.at, minute.units]) },
        {
          ...{ id: 'orders', name: t('orders'), type: 'line', showSymbol: false },
          data: minutes.map((minute) => [minute.at, minute.orders]),
        },
      ],
    }),
    [minutes, t],
  )
  return (
    <section aria-label={t('byMinute')}>
      <Facts
        facts={[
          [t('orders'), whole(orders)],
          [t('units'), whole(units)],
          ...[...revenueOf(sold)].map(
            ([currency, minor]) => [`${t('revenue')} ${currency}`, money(minor, currency)] as const,
          ),
        ]}
      />
      {units === 0 ? <Text c="dimmed">{t('nothing')}</Text> : null}
      <Chart option={option} height={260} label={t('chartLabel', { units: whole(units), orders: whole(orders) })} />
    </section>
  )
}

function Best({ products }: { products: readonly Product[] }) {
  const { t } = useTranslation('sales')
  const { whole, money } = useNumbers()
  const option = useMemo(
    () => ({
      tooltip: { trigger: 'axis' },
      grid: { left: 8, right: 24, top: 8, bottom: 4, containLabel: true },
      xAxis: { type: 'value', minInterval: 1 },
      yAxis: { type: 'category', inverse: true, data: products.map(({ productId }) => productId) },
      series: [{ id: 'units', name: t('units'), type: 'bar', data: products.map(({ units }) => units) }],
    }),
    [products, t],
  )
  const [best] = products
  if (best === undefined) return <Text c="dimmed">{t('noneSold')}</Text>
  return (
    <>
      <Chart
        option={option}
        height={40 + 28 * products.length}
        label={t('topLabel', { product: best.productId, units: whole(best.units) })}
      />
      <Group>
        <Table.ScrollContainer minWidth={420}>
          <Table verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('product')}</Table.Th>
                <Table.Th ta="right">{t('orders')}</Table.Th>
                <Table.Th ta="right">{t('units')}</Table.Th>
                <Table.Th ta="right">{t('revenue')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {products.map((product) => (
                <Table.Tr key={`${product.productId} ${product.currency}`}>
                  <Table.Td>{product.productId}</Table.Td>
                  <Table.Td ta="right">{whole(product.orders)}</Table.Td>
                  <Table.Td ta="right">{whole(product.units)}</Table.Td>
                  <Table.Td ta="right">{money(product.revenueMinor, product.currency)}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </Group>
    </>
  )
}
