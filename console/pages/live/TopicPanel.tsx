import { Group, Stack, Text, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { LiveView } from '@timesale/contracts/console-api'
import { useNumbers } from '../../ui/numbers.ts'
import { Numbers } from './Numbers.tsx'
import { PanelLink } from './PartPanel.tsx'
import { writersOf } from './shop-map.ts'
import { groupsReading, topicNamed } from './shop-now.ts'

/** All there is to say of a topic: what is on it, who writes it, and how far each reader is. */
export function TopicPanel({ topic, view }: { topic: string; view: LiveView | undefined }) {
  const { t } = useTranslation('live')
  const { perSecond, whole } = useNumbers()
  const now = topicNamed(view, topic)
  const readers = groupsReading(view, topic)
  const [writer = ''] = writersOf(topic)
  const asOf = view?.topics?.asOf
  return (
    <Stack gap="xs">
      <Title order={2} size="h5">
        {topic}
      </Title>
      <Text size="sm">{t('what_topic', { service: writer })}</Text>
      <Numbers
        lines={[
          [t('records'), now === undefined ? t('notKnown') : whole(now.records), asOf],
          [t('written'), now === undefined ? t('notKnown') : perSecond(now.perSecond), asOf],
          ...readers.map(({ group, topics }) => {
            const read = topics.find((one) => one.topic === topic)
            return [group, `${t('lag')} ${whole(read?.lagRecords ?? 0)}`, view?.groups?.asOf] as const
          }),
        ]}
      />
      <PanelLink to={`/topics/${topic}`}>{t('toTopic', { topic })}</PanelLink>
      <Group gap="xs">
        {readers.map(({ group }) => (
          <PanelLink key={group} to={`/groups/${encodeURIComponent(group)}`}>
            {group}
          </PanelLink>
        ))}
      </Group>
    </Stack>
  )
}
