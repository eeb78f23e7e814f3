import { Anchor, Button, Group, Paper, Table, Text, TextInput, Title } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { OrderPage, OrderSummary } from '@timesale/contracts/order-api'
import { useGet, withQuery } from '../../api/use-get.ts'
import { Loaded } from '../../ui/Loaded.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import { Page } from '../../ui/Page.tsx'
import { ReadAge } from '../../ui/ReadAge.tsx'
import { StateBadge } from '../../ui/StateBadge.tsx'

const EVERY_MS = 2_000
const LIMIT = '20'

/** A field for an order's id, and the newest orders to choose from. */
export function OrdersPage() {
  const { t } = useTranslation('order')
  const newest = useGet<OrderPage>('operator', withQuery('/api/orders', { limit: LIMIT }), { everyMs: EVERY_MS })
  return (
    <Page title={t('title')}>
      <FollowForm />
      <section aria-label={t('newest')}>
        <Group justify="space-between" mb="xs">
          <Title order={2} size="h4">
            {t('newest')}
          </Title>
          <ReadAge readAt={newest.dataUpdatedAt} oldAfterSeconds={8} />
        </Group>
        <Loaded query={newest}>
          {({ orders }) => (orders.length === 0 ? <Text c="dimmed">{t('none')}</Text> : <OrderTable orders={orders} />)}
        </Loaded>
      </section>
    </Page>
  )
}

function FollowForm() {
  const { t } = useTranslation('order')
  const navigate = useNavigate()
  const [typed, setTyped] = useState('')
  const orderId = typed.trim()
  return (
    <Paper withBorder p="md" component="section" aria-label={t('follow')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (orderId !== '') void navigate({ to: '/order/$orderId', params: { orderId } })
        }}
      >
        <Group align="flex-end" gap="sm">
          <TextInput
            label={t('orderId')}
            description={t('orderIdHint')}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
            required
            flex="1 1 260px"
          />
          <Button type="submit">{t('show')}</Button>
        </Group>
      </form>
    </Paper>
  )
}

function OrderTable({ orders }: { orders: readonly OrderSummary[] }) {
  const { t } = useTranslation('order')
  const { whole, money, time } = useNumbers()
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('orderId')}</Table.Th>
            <Table.Th>{t('state')}</Table.Th>
            <Table.Th>{t('product')}</Table.Th>
            <Table.Th ta="right">{t('quantity')}</Table.Th>
            <Table.Th ta="right">{t('price')}</Table.Th>
            <Table.Th>{t('buyer')}</Table.Th>
            <Table.Th>{t('placedAt')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {orders.map((order) => (
            <Table.Tr key={order.orderId} data-order={order.orderId}>
              <Table.Td>
                <Anchor component={Link} to={`/order/${encodeURIComponent(order.orderId)}`} size="sm">
                  {order.orderId}
                </Anchor>
              </Table.Td>
              <Table.Td>
                <StateBadge state={order.status} />
              </Table.Td>
              <Table.Td>{order.productId}</Table.Td>
              <Table.Td ta="right">{whole(order.quantity)}</Table.Td>
              <Table.Td ta="right">{money(order.unitPriceMinor, order.currency)}</Table.Td>
              <Table.Td>{order.buyerId}</Table.Td>
              <Table.Td>
                <time dateTime={order.placedAt}>{time(order.placedAt)}</time>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}
