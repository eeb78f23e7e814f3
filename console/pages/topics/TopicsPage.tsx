import { Anchor, Badge, Button, Group, NumberInput, Paper, Switch, Table, Text, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { CreateTopic, TopicList, TopicSummary } from '@timesale/contracts/console-api'
import { call } from '../../api/call.ts'
import { useAbout } from '../../api/use-about.ts'
import { useGet } from '../../api/use-get.ts'
import { Age } from '../../ui/Age.tsx'
import { Loaded } from '../../ui/Loaded.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import { Page } from '../../ui/Page.tsx'
import { ProblemNote } from '../../ui/ProblemNote.tsx'

const PATH = '/api/console/topics'
const EVERY_MS = 2_000
/** What a newcomer need not see at first. */
const ASIDE: ReadonlySet<TopicSummary['kind']> = new Set(['internal', 'dead-letter'])

/** Every topic: what it is for, how much is on it, who writes and reads it. */
export function TopicsPage() {
  const { t } = useTranslation('topics')
  const topics = useGet<TopicList>('operator', PATH, { everyMs: EVERY_MS })
  const about = useAbout()
  const [showsAll, setShowsAll] = useState(false)
  return (
    <Page title={t('title')} beside={<Age asOf={topics.data?.asOf} oldAfterSeconds={8} />}>
      <Loaded query={topics}>
        {({ topics: list }) => (
          <>
            <Switch
              label={t('showInternal')}
              checked={showsAll}
              onChange={(event) => setShowsAll(event.currentTarget.checked)}
            />
            <TopicTable
              topics={list.filter(
                ({ kind, records }) => showsAll || !ASIDE.has(kind) || (kind === 'dead-letter' && records > 0),
              )}
            />
          </>
        )}
      </Loaded>
      {about?.actions === true ? <NewTopic /> : null}
    </Page>
  )
}

function TopicTable({ topics }: { topics: readonly TopicSummary[] }) {
  const { t } = useTranslation('topics')
  const { whole, perSecond } = useNumbers()
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('topic')}</Table.Th>
            <Table.Th>{t('kind')}</Table.Th>
            <Table.Th ta="right">{t('partitions')}</Table.Th>
            <Table.Th ta="right">{t('replicas')}</Table.Th>
            <Table.Th ta="right">{t('records')}</Table.Th>
            <Table.Th ta="right">{t('perSecond')}</Table.Th>
            <Table.Th>{t('producers')}</Table.Th>
            <Table.Th>{t('readers')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {topics.map((topic) => (
            <Table.Tr key={topic.topic} data-topic={topic.topic}>
              <Table.Td>
                <Anchor component={Link} to={`/topics/${topic.topic}`}>
                  {topic.topic}
                </Anchor>
              </Table.Td>
              <Table.Td>
                <KindBadge kind={topic.kind} />
              </Table.Td>
              <Table.Td ta="right">{whole(topic.partitions)}</Table.Td>
              <Table.Td ta="right">{whole(topic.replicas)}</Table.Td>
              <Table.Td ta="right">{whole(topic.records)}</Table.Td>
              <Table.Td ta="right">{topic.perSecond === null ? '–' : perSecond(topic.perSecond)}</Table.Td>
              <Table.Td>{topic.producers.length === 0 ? '–' : topic.producers.join(', ')}</Table.Td>
              <Table.Td>
                <GroupLinks groups={topic.groups} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

/** Which groups of the shop read a topic, each a link. */
export function GroupLinks({ groups }: { groups: readonly string[] }) {
  const { t } = useTranslation('topics')
  if (groups.length === 0)
    return (
      <Text span c="dimmed" size="sm">
        {t('nobody')}
      </Text>
    )
  return (
    <Group gap={6}>
      {groups.map((group) => (
        <Anchor key={group} component={Link} to={`/groups/${encodeURIComponent(group)}`} size="sm">
          {group}
        </Anchor>
      ))}
    </Group>
  )
}

const COLOURS: Readonly<Record<TopicSummary['kind'], string>> = {
  shop: 'indigo',
  'dead-letter': 'orange',
  playground: 'teal',
  internal: 'gray',
  other: 'gray',
}

export function KindBadge({ kind }: { kind: TopicSummary['kind'] }) {
  const { t } = useTranslation('topics')
  return (
    <Badge variant="light" color={COLOURS[kind]}>
      {t(kind)}
    </Badge>
  )
}

function NewTopic() {
  const { t } = useTranslation('topics')
  const queries = useQueryClient()
  const [name, setName] = useState('play-')
  const [partitions, setPartitions] = useState(1)
  const creating = useMutation({
    mutationFn: (wanted: CreateTopic) => call('operator', PATH, { method: 'POST', body: wanted }),
    onSuccess: async (_answer, { topic }) => {
      notifications.show({ message: t('created', { topic }), color: 'green' })
      setName('play-')
      await queries.invalidateQueries({ queryKey: ['operator', PATH] })
    },
  })
  return (
    <Paper withBorder p="md" component="section" aria-label={t('newTopic')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          creating.mutate({ topic: name.trim(), partitions })
        }}
      >
        <Group align="flex-end" gap="sm">
          <TextInput
            label={t('newTopic')}
            description={t('nameHint')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
          />
          <NumberInput
            label={t('partitions')}
            value={partitions}
            onChange={(value) => setPartitions(Number(value))}
            min={1}
            max={50}
            allowDecimal={false}
            w={110}
          />
          <Button type="submit" loading={creating.isPending}>
            {t('create')}
          </Button>
        </Group>
      </form>
      {creating.isError ? <ProblemNote error={creating.error} /> : null}
    </Paper>
  )
}
