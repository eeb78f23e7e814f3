import { Badge } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { PartView } from '@timesale/contracts/console-api'
import type { OrderStatus } from '@timesale/contracts/order-api'

const COLOURS: Readonly<Record<PartView['state'] | OrderStatus, string>> = {
  running: 'green',
  external: 'gray',
  starting: 'cyan',
  restarting: 'yellow',
  paused: 'yellow',
  stopped: 'red',
  unknown: 'gray',
  PLACED: 'blue',
  CONFIRMED: 'green',
  REJECTED: 'red',
  CANCELLED: 'gray',
}

/** How a part or an order is: in words, with a colour beside them and never in a colour alone. */
export function StateBadge({ state }: { state: PartView['state'] | OrderStatus }) {
  const { t } = useTranslation('part')
  return (
    <Badge color={COLOURS[state]} variant="light" miw="max-content" data-state={state}>
      {t(state)}
    </Badge>
  )
}
