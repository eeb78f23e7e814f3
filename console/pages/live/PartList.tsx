import { Group, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { LiveView } from '@timesale/contracts/console-api'
import { Age } from '../../ui/Age.tsx'
import { BuyersBox } from './BuyersBox.tsx'
import { Lag } from './Lag.tsx'
import { PlainBox, ServiceBox } from './PartBox.tsx'
import { PanelLink } from './PartPanel.tsx'
import { databaseOf, SERVICES, SHOWN_TOPICS, WITH_DATABASE } from './shop-map.ts'
import { brokersOf, isOld, otherGroups, otherParts } from './shop-now.ts'
import { TopicBox } from './TopicBox.tsx'

/** The same as the picture where there is no room for one. */
export function PartList({ view }: { view: LiveView | undefined }) {
  const { t } = useTranslation('live')
  return (
    <Stack component="section" gap="sm" aria-label={t('list')}>
      <BuyersBox view={view} />
      <Some title={t('services')} beside={<Age asOf={view?.parts?.asOf} />}>
        {SERVICES.map((service) => (
          <ServiceBox key={service} name={service} view={view} />
        ))}
      </Some>
      <Some title={t('topics')} beside={<Age asOf={view?.topics?.asOf} />}>
        {SHOWN_TOPICS.map((topic) => (
          <TopicBox key={topic} topic={topic} view={view} />
        ))}
      </Some>
      <Some title={t('brokers')} beside={<Age asOf={view?.parts?.asOf} />}>
        {brokersOf(view).map(({ name }) => (
          <PlainBox key={name} name={name} title={name} view={view} />
        ))}
      </Some>
      <Some title={t('databases')} beside={<Age asOf={view?.parts?.asOf} />}>
        {WITH_DATABASE.map((service) => (
          <PlainBox key={service} name={databaseOf(service)} title={databaseOf(service)} view={view} />
        ))}
      </Some>
      <Some title={t('cache')} beside={<Age asOf={view?.parts?.asOf} />}>
        <PlainBox name="redis" title="Redis" view={view} />
      </Some>
    </Stack>
  )
}

/** Whatever somebody has added to the shop. */
export function Others({ view }: { view: LiveView | undefined }) {
  const { t } = useTranslation('live')
  const [parts, groups] = [otherParts(view), otherGroups(view)]
  if (parts.length + groups.length === 0) return null
  const asOf = groups.length > 0 ? view?.groups?.asOf : view?.parts?.asOf
  return (
    <section aria-label={t('others')}>
      <Some title={t('others')} hint={t('othersHint')} beside={<Age asOf={asOf} />}>
        {parts.map(({ name }) => (
          <PlainBox key={name} name={name} title={name} view={view} />
        ))}
        {groups.map((lag) => (
          <Stack key={lag.group} gap={2} fz="xs" data-group={lag.group}>
            <PanelLink to={`/groups/${encodeURIComponent(lag.group)}`}>{lag.group}</PanelLink>
            <Lag lag={lag} isOld={view !== undefined && isOld(view, view.groups?.asOf)} />
          </Stack>
        ))}
      </Some>
    </section>
  )
}

function Some({
  title,
  hint,
  beside,
  children,
}: {
  title: string
  hint?: string
  beside?: ReactNode
  children: ReactNode
}) {
  return (
    <Stack gap={6}>
      <Group justify="space-between" gap="xs">
        <Title order={2} size="h6">
          {title}
        </Title>
        {beside}
      </Group>
      {hint === undefined ? null : (
        <Text size="xs" c="dimmed">
          {hint}
        </Text>
      )}
      <SimpleGrid cols={{ base: 2, sm: 3, md: 5 }} spacing={8} verticalSpacing={8}>
        {children}
      </SimpleGrid>
    </Stack>
  )
}
