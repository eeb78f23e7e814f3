import { Alert, Anchor, Button, Code, CopyButton, Group, List, Text, Title } from '@mantine/core'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { OrderView } from '@timesale/contracts/order-api'
import type { RefusalCode } from '@timesale/contracts/refusals'
import type { OrderTrace } from '@timesale/contracts/trace-api'
import { ApiProblem } from '../../api/problem.ts'
import { useGet } from '../../api/use-get.ts'
import { Facts } from '../../ui/Facts.tsx'
import { Loaded } from '../../ui/Loaded.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import { Page } from '../../ui/Page.tsx'
import { ReadAge } from '../../ui/ReadAge.tsx'
import { StateBadge } from '../../ui/StateBadge.tsx'
import { useSentence } from '../../ui/use-sentence.ts'
import { isUnfinished, partsOf } from './hop-story.ts'
import { HopTable } from './HopTable.tsx'
import { InboxTable } from './InboxTable.tsx'
import { useTrace } from './use-trace.ts'

const route = getRouteApi('/order/$orderId')
const EVERY_MS = 2_000

/** One order, hop by hop. */
export function OrderPage() {
  const { orderId } = route.useParams()
  const { t } = useTranslation('order')
  const trace = useTrace(orderId)
  const isOver = trace.data !== undefined && !isUnfinished(trace.data)
  return (
    <Page
      title={t('orderTitle', { orderId })}
      // What is over does not grow old.
      beside={<ReadAge readAt={trace.dataUpdatedAt} oldAfterSeconds={isOver ? Number.POSITIVE_INFINITY : 8} />}
    >
      <Details orderId={orderId} trace={trace.data} />
      <Loaded query={trace}>
        {(told) => {
          const { timed, inboxes } = partsOf(told.hops)
          return (
            <>
              <Missing missing={told.missing} />
              <section aria-label={t('hops')}>
                <Title order={2} size="h4" mb="xs">
                  {t('hops')}
                </Title>
                <HopTable hops={timed} />
                <Text size="xs" c="dimmed" mt="xs">
                  {t('hopsHint')}
                </Text>
              </section>
              {inboxes.length === 0 ? null : (
                <section aria-label={t('inboxes')}>
                  <Title order={2} size="h4" mb="xs">
                    {t('inboxes')}
                  </Title>
                  <InboxTable inboxes={inboxes} hops={told.hops} />
                </section>
              )}
              <Text size="sm" c="dimmed" role="status" data-finished={isOver}>
                {isOver ? t('finished') : t('unfinished')}
              </Text>
            </>
          )
        }}
      </Loaded>
      <InTerminal orderId={orderId} />
    </Page>
  )
}

function Details({ orderId, trace }: { orderId: string; trace: OrderTrace | undefined }) {
  const { t } = useTranslation('order')
  const { whole, money, moment } = useNumbers()
  const order = useGet<OrderView>('operator', `/api/orders/${encodeURIComponent(orderId)}`, {
    everyMs: EVERY_MS,
    // What is shown of it never changes.
    isLast: () => true,
  }).data
  if (order === undefined || trace === undefined) return null
  const placedAt = order.history[0]?.at
  return (
    <Facts
      facts={[
        [t('state'), <StateBadge key="state" state={trace.status} />],
        [
          t('product'),
          <Anchor key="product" component={Link} to={`/shop/${encodeURIComponent(order.productId)}`}>
            {order.productId}
          </Anchor>,
        ],
        [t('quantity'), whole(order.quantity)],
        [t('price'), money(order.unitPriceMinor, order.currency)],
        [t('buyer'), order.buyerId],
        ...(placedAt === undefined ? [] : [[t('placedAt'), moment(placedAt)] as const]),
      ]}
    />
  )
}

function Missing({ missing }: { missing: OrderTrace['missing'] }) {
  const { t } = useTranslation('order')
  const sentence = useSentence()
  if (missing.length === 0) return null
  return (
    <Alert color="yellow" role="status" title={t('missing')}>
      <List size="sm">
        {missing.map(({ part, reason }) => (
          <List.Item key={`${part} ${reason}`} data-missing={part}>
            <strong>{part === 'records' ? t('missingRecords') : part}</strong>:{' '}
            {part === 'records' && reason === 'not-found'
              ? t('recordsNotFound')
              : sentence(new ApiProblem(reason as RefusalCode))}
          </List.Item>
        ))}
      </List>
      <Text size="sm">{t('missingAgain')}</Text>
    </Alert>
  )
}

function InTerminal({ orderId }: { orderId: string }) {
  const { t } = useTranslation('order')
  const command = `npm run order -- ${orderId}`
  return (
    <Group gap="xs">
      <Text size="sm">{t('inTerminal')}:</Text>
      <Code>{command}</Code>
      <CopyButton value={command}>
        {({ copied, copy }) => (
          <Button size="compact-xs" variant="default" onClick={copy}>
            {copied ? t('copied') : t('copy')}
          </Button>
        )}
      </CopyButton>
    </Group>
  )
}
