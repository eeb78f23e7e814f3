import { Anchor, Table, Text, Title } from '@mantine/core'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import type { GroupDetail } from '@timesale/contracts/console-api'
import { VIEW_GROUPS } from '@timesale/contracts/topics'
import { useGet } from '../../api/use-get.ts'
import { Age } from '../../ui/Age.tsx'
import { Chart } from '../../ui/Chart.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { Loaded } from '../../ui/Loaded.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import { Page } from '../../ui/Page.tsx'
import { withGaps, type Point } from '../../ui/points.ts'
import { brokerName } from './broker-name.ts'
import { Drain, LagRecords, LagSeconds } from './LagWords.tsx'

const route = getRouteApi('/groups/$group')
const EVERY_MS = 1_500
/** The gateway looks each second while somebody asks. */
const LOOKED_EVERY_MS = 1_000

/** One group: who is in it, who reads what, how far it is, and how that has changed. */
export function GroupPage() {
  const { group } = route.useParams()
  const { t } = useTranslation('groups')
  const { perSecond } = useNumbers()
  const detail = useGet<GroupDetail>('operator', `/api/console/groups/${encodeURIComponent(group)}`, {
    everyMs: EVERY_MS,
  })
  return (
    <Page title={group} beside={<Age asOf={detail.data?.asOf} />}>
      <Loaded query={detail}>
        {(told) => (
          <>
            <Facts
              facts={[
                [t('state'), told.state],
                [t('lag'), <LagRecords key="lag" lag={told.lag} />],
                [t('behind'), <LagSeconds key="behind" lag={told.lag} />],
                [t('rate'), perSecond(told.lag.perSecond)],
                [t('drain'), <Drain key="drain" lag={told.lag} />],
                [t('coordinator'), told.coordinator < 0 ? t('unknown') : brokerName(told.coordinator)],
                [t('protocol'), told.protocol || '–'],
              ]}
            />
            <Text size="sm" c="dimmed">
              {t('aboutCoordinator')}
            </Text>
            <LagChart detail={told} />
            <Members detail={told} />
            <Positions detail={told} />
          </>
        )}
      </Loaded>
    </Page>
  )
}

function LagChart({ detail: { group, history, lag } }: { detail: GroupDetail }) {
  const { t } = useTranslation('groups')
  const { whole } = useNumbers()
  const option = useMemo(
    () => ({
      tooltip: { trigger: 'axis' },
      legend: { top: 0 },
      grid: { left: 8, right: 8, top: 32, bottom: 4, containLabel: true },
      xAxis: { type: 'time' },
      yAxis: [
        { type: 'value', name: t('records'), minInterval: 1 },
        { type: 'value', name: t('seconds'), splitLine: { show: false } },
      ],
      series: [
        {
          id: 'records',
          name: t('records'),
          type: 'line',
          showSymbol: false,
          areaStyle: { opacity: 0.15 },
          data: lagPoints(history, ({ lagRecords }) => lagRecords),
        },
        {
          id: 'seconds',
          name: t('seconds'),
          type: 'line',
          showSymbol: false,
          yAxisIndex: 1,
          lineStyle: { type: 'dashed' },
          data: lagPoints(history, ({ lagSeconds }) => lagSeconds),
        },
      ],
    }),
    [history, t],
  )
  return (
    <section aria-label={t('overTime')}>
      <Title order={2} size="h4">
        {t('overTime')}
      </Title>
      {history.length < 2 ? (
        <Text size="sm" c="dimmed">
          {t('noHistory')}
        </Text>
      ) : (
        <Chart
          option={option}
          height={220}
          label={t('chartLabel', { group, records: lag.lagRecords === null ? t('unknown') : whole(lag.lagRecords) })}
        />
      )}
    </section>
  )
}

type Looked = GroupDetail['history'][number]

// Nobody looked while nobody asked, or Kafka did not answer.
function lagPoints(history: readonly Looked[], valueOf: (looked: Looked) => number | null): readonly Point[] {
  return withGaps(
    history.map((looked) => [Date.parse(looked.at), valueOf(looked)]),
    LOOKED_EVERY_MS,
  )
}

function Members({ detail: { group, members } }: { detail: GroupDetail }) {
  const { t } = useTranslation('groups')
  return (
    <section aria-label={t('members')}>
      <Title order={2} size="h4">
        {t('members')}
      </Title>
      {members.length === 0 ? (
        <Text size="sm" c="dimmed">
          {group in VIEW_GROUPS ? t('viewNote') : t('noMembers')}
        </Text>
      ) : (
        <Table.ScrollContainer minWidth={560}>
          <Table verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('member')}</Table.Th>
                <Table.Th>{t('client')}</Table.Th>
                <Table.Th>{t('host')}</Table.Th>
                <Table.Th>{t('assignment')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {members.map(({ memberId, clientId, host, assignment }) => (
                <Table.Tr key={memberId}>
                  <Table.Td style={{ wordBreak: 'break-all' }}>{memberId}</Table.Td>
                  <Table.Td>{clientId}</Table.Td>
                  <Table.Td>{host}</Table.Td>
                  <Table.Td>
                    {assignment.map(({ topic, partitions }) => (
                      <Text key={topic} size="sm">
                        {topic}: {partitions.join(', ')}
                      </Text>
                    ))}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </section>
  )
}

function Positions({ detail: { partitions, members } }: { detail: GroupDetail }) {
  const { t } = useTranslation('groups')
  const { whole } = useNumbers()
  const clients = new Map(members.map(({ memberId, clientId }) => [memberId, clientId]))
  return (
    <section aria-label={t('assignment')}>
      <Title order={2} size="h4">
        {t('assignment')}
      </Title>
      <Table.ScrollContainer minWidth={560}>
        <Table verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('topic')}</Table.Th>
              <Table.Th ta="right">{t('partition')}</Table.Th>
              <Table.Th ta="right">{t('committed')}</Table.Th>
              <Table.Th ta="right">{t('end')}</Table.Th>
              <Table.Th ta="right">{t('lag')}</Table.Th>
              <Table.Th>{t('readBy')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {partitions.map(({ topic, partition, committed, end, lagRecords, memberId }) => (
              <Table.Tr key={`${topic}-${partition}`}>
                <Table.Td>
                  <Anchor component={Link} to={`/topics/${topic}`}>
                    {topic}
                  </Anchor>
                </Table.Td>
                <Table.Td ta="right">{partition}</Table.Td>
                <Table.Td ta="right">{committed ?? t('nothingCommitted')}</Table.Td>
                <Table.Td ta="right">{end}</Table.Td>
                <Table.Td ta="right">{whole(lagRecords)}</Table.Td>
                <Table.Td>{memberId === null ? t('nobody') : (clients.get(memberId) ?? memberId)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </section>
  )
}
