import { Anchor, Badge, Button, Group, Paper, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useTranslation } from 'react-i18next'
import { call } from '../../api/call.ts'
import { useNumbers } from '../../ui/numbers.ts'
import { ProblemNote } from '../../ui/ProblemNote.tsx'
import { StateBadge } from '../../ui/StateBadge.tsx'
import { useSentence } from '../../ui/use-sentence.ts'
import { placeOrder } from './place-order.ts'
import { shopText } from './shop-text.ts'
import { useChanges } from './use-changes.ts'

export interface OrderLineProps {
  readonly orderId: string
  readonly productId: string
  readonly quantity: number
  /** The newest order is told as it happens, others are asked after: a stream is one of the six connections of a browser. */
  readonly isNewest: boolean
}

/** Places an order when it is first shown, and shows what becomes of it as it happens. */
export function OrderLine({ orderId, productId, quantity, isNewest }: OrderLineProps) {
  const { t } = useTranslation('shop')
  const { duration } = useNumbers()
  const sentence = useSentence()
  const placing = useMutation({ mutationFn: placeOrder, retry: false })
  const cancelling = useMutation({
    mutationFn: () => call('buyer', `/api/orders/${orderId}/cancellation`, { method: 'POST', body: {} }),
  })
  const isSent = useRef(false)
  const { mutate } = placing
  useEffect(() => {
    // React runs effects twice while developing; the id would make the second one harmless too.
    if (isSent.current) return
    isSent.current = true
    mutate({ orderId, productId, quantity })
  }, [mutate, orderId, productId, quantity])
  const changes = useChanges(orderId, { isAccepted: placing.isSuccess, isNewest })
  const last = changes.at(-1)
  const [first] = changes
  const reason = last?.reason
  return (
    <Paper withBorder p="xs" data-order={orderId}>
      <Group gap="sm" role="status">
        <Text size="sm">
          {t('order')} {orderId} × {quantity}
        </Text>
        {placing.isError ? (
          <>
            <Badge color="red" variant="light">
              {t('turnedAway')}
            </Badge>
            <Text size="sm">{sentence(placing.error)}</Text>
          </>
        ) : last === undefined ? (
          <Text size="sm" c="dimmed">
            {t('sending')}
          </Text>
        ) : (
          <>
            <StateBadge state={last.status} />
            {first === undefined || last === first ? null : (
              <Text size="sm" c="dimmed">
                {t('milliseconds', { time: duration((Date.parse(last.at) - Date.parse(first.at)) / 1000) })}
              </Text>
            )}
            {reason === undefined ? null : (
              <Text size="sm">{t('reason', { reason: isTold(reason) ? t(reason) : reason })}</Text>
            )}
            <Anchor component={Link} to={`/order/${orderId}`} size="sm">
              {t('followHops')}
            </Anchor>
          </>
        )}
        {last?.status === 'PLACED' ? (
          <Button
            size="compact-xs"
            variant="light"
            color="red"
            loading={cancelling.isPending}
            onClick={() => cancelling.mutate()}
          >
            {t('cancel')}
          </Button>
        ) : null}
      </Group>
      {cancelling.isError ? <ProblemNote error={cancelling.error} /> : null}
    </Paper>
  )
}

function isTold(reason: string): reason is 'sold-out' | 'buyer-limit' | 'sale-sold-out' | 'unknown-product' {
  return Object.hasOwn(shopText.en, reason)
}
