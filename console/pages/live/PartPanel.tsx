import { Anchor, Group, Stack, Text, Title } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { GroupLagView, LiveView, PartView } from '@timesale/contracts/console-api'
import { Age } from '../../ui/Age.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import { Numbers, type NumberLine } from './Numbers.tsx'
import { PartActions } from './PartActions.tsx'
import { isService, writtenBy } from './shop-map.ts'
import { lagOf, outboxOf, replicasOf } from './shop-now.ts'
import { StateWord } from './StateWord.tsx'

/** All there is to say of a part, and what can be done to it. */
export function PartPanel({ part, view }: { part: PartView; view: LiveView | undefined }) {
  const { t } = useTranslation(['part', 'live'])
  const numbers = useNumbersOf(part, view)
  return (
    <Stack gap="xs">
      <Group justify="space-between" gap="xs" wrap="nowrap" pr="lg">
        <Title order={2} size="h5">
          {part.name}
        </Title>
        <Text size="sm">
          <StateWord state={part.state} />
        </Text>
      </Group>
      <Text size="xs" c="dimmed">
        {t(part.kind)}
        {part.port > 0 ? ` · ${t('live:port', { port: part.port })}` : ''} · <Age asOf={view?.parts?.asOf} />
      </Text>
      {replicasOf(view, part.name).map(({ name, state, port }) => (
        <Text key={name} size="sm" data-replica={name}>
          {name} · {t('live:port', { port })} · <StateWord state={state} />
        </Text>
      ))}
      <Sentences part={part} />
      <PartActions part={part} parts={view?.parts?.list ?? []} />
      <Numbers lines={numbers} />
      <Links part={part} lag={lagOf(view, part.name)} />
    </Stack>
  )
}

function Sentences({ part }: { part: PartView }) {
  const { t } = useTranslation('live')
  const service = part.name.replace(/^postgres-/, '')
  const known = isService(part.name) ? part.name : part.kind === 'service' ? undefined : part.kind
  return (
    <Text size="sm">
      {known === undefined
        ? t('what_other')
        : `${t(`what_${known}`, { service })} ${t(`without_${known}`, { service })}`}
    </Text>
  )
}

function useNumbersOf(part: PartView, view: LiveView | undefined): readonly NumberLine[] {
  const { t } = useTranslation('live')
  const { duration, perSecond, whole } = useNumbers()
  const unknown = t('notKnown')
  const lines: NumberLine[] = []
  if (part.kind === 'cache' && view !== undefined) {
    lines.push([t('state'), view.redis.reachable ? t('reachable') : t('unreachable'), view.redis.asOf])
  }
  if (part.name === 'order') {
    const rate = view?.orders?.acceptedPerSecond
    lines.push([t('acceptedPerSecond'), rate === undefined ? unknown : perSecond(rate), view?.orders?.asOf])
  }
  const lag = lagOf(view, part.name)
  if (lag !== undefined) lines.push(...lagLines(lag, view?.groups?.asOf))
  const outbox = outboxOf(view, part.name)
  if (outbox !== undefined) {
    const asOf = view?.outboxes.find((one) => one.outbox.service === part.name)?.asOf
    lines.push([t('outboxEvents'), t('events', { count: outbox.events, told: whole(outbox.events) }), asOf])
    if (outbox.oldestSeconds !== null) lines.push([t('outboxOldest'), duration(outbox.oldestSeconds), asOf])
  }
  return lines

  function lagLines({ lagRecords, lagSeconds, perSecond: rate, drainSeconds }: GroupLagView, asOf: string | undefined) {
    const told: NumberLine[] = [
      [
        t('lagRecords'),
        lagRecords === null ? unknown : t('records', { count: lagRecords, told: whole(lagRecords) }),
        asOf,
      ],
      [t('lagSeconds'), lagSeconds === null ? unknown : duration(lagSeconds), asOf],
      [t('perSecond'), perSecond(rate), asOf],
    ]
    if (lagRecords !== null && lagRecords > 0)
      told.push([t('drain'), drainSeconds === null ? t('drainNever') : duration(drainSeconds), asOf])
    return told
  }
}

function Links({ part, lag }: { part: PartView; lag: GroupLagView | undefined }): ReactNode {
  const { t } = useTranslation('live')
  const topics = writtenBy(part.name)
  if (part.kind === 'broker') return <PanelLink to="/cluster">{t('toCluster')}</PanelLink>
  return (
    <Stack gap={0} align="flex-start">
      {part.name === 'order' ? <PanelLink to="/order">{t('toOrders')}</PanelLink> : null}
      {lag === undefined ? null : (
        <PanelLink to={`/groups/${encodeURIComponent(lag.group)}`}>{t('toGroup', { group: lag.group })}</PanelLink>
      )}
      {topics.map((topic) => (
        <PanelLink key={topic} to={`/topics/${topic}`}>
          {t('toTopic', { topic })}
        </PanelLink>
      ))}
    </Stack>
  )
}

export function PanelLink({ to, children }: { to: string; children: ReactNode }) {
  return (
    <Anchor component={Link} to={to} size="sm" py={3} display="inline-block">
      {children}
    </Anchor>
  )
}
