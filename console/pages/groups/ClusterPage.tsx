import { Badge, Code, Group, Table, Text, Title, Tooltip } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import type { ClusterView } from '@timesale/contracts/console-api'
import { useGet } from '../../api/use-get.ts'
import { Age } from '../../ui/Age.tsx'
import { Facts } from '../../ui/Facts.tsx'
import { Loaded } from '../../ui/Loaded.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import { Page } from '../../ui/Page.tsx'
import { brokerName } from './broker-name.ts'

const EVERY_MS = 2_000
const ROLES = {
  isBroker: { about: 'aboutBroker', colour: 'blue' },
  isController: { about: 'aboutController', colour: 'grape' },
  isLeader: { about: 'aboutLeader', colour: 'indigo' },
  isFollower: { about: 'aboutFollower', colour: 'gray' },
  isCoordinator: { about: 'aboutCoordinator', colour: 'teal' },
} as const

type Role = keyof typeof ROLES

/** Which broker is what, and what that means. */
export function ClusterPage() {
  const { t } = useTranslation('groups')
  const { whole } = useNumbers()
  const cluster = useGet<ClusterView>('operator', '/api/console/cluster', { everyMs: EVERY_MS })
  return (
    <Page title={t('clusterTitle')} beside={<Age asOf={cluster.data?.asOf} oldAfterSeconds={8} />}>
      <Loaded query={cluster}>
        {(told) => (
          <>
            <Facts
              facts={[
                [t('clusterId'), told.clusterId],
                [t('offline'), <Bad key="offline" count={told.offline} words={whole(told.offline)} />],
                [
                  t('underReplicated'),
                  <Bad key="under" count={told.underReplicated} words={whole(told.underReplicated)} />,
                ],
              ]}
            />
            <Brokers cluster={told} />
          </>
        )}
      </Loaded>
      <section aria-label={t('whatRoles')}>
        <Title order={2} size="h4">
          {t('whatRoles')}
        </Title>
        <Table variant="vertical" layout="auto" verticalSpacing={6}>
          <Table.Tbody>
            {(Object.keys(ROLES) as Role[]).map((role) => (
              <Table.Tr key={role}>
                <Table.Th scope="row" w={130}>
                  {t(role)}
                </Table.Th>
                <Table.Td>{t(ROLES[role].about)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <Text size="sm" mt="sm">
          {t('tryIt')} <Code>npm run kafka -- quorum</Code> <Code>npm run kafka -- topics --describe</Code>
        </Text>
      </section>
    </Page>
  )
}

function Bad({ count, words }: { count: number; words: string }) {
  return count === 0 ? <>{words}</> : <Badge color="red">{words}</Badge>
}

function Brokers({ cluster: { brokers, controller } }: { cluster: ClusterView }) {
  const { t } = useTranslation('groups')
  const { whole } = useNumbers()
  return (
    <Table.ScrollContainer minWidth={640}>
      <Table>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('broker')}</Table.Th>
            <Table.Th>{t('address')}</Table.Th>
            <Table.Th>{t('roles')}</Table.Th>
            <Table.Th>{t('coordinates')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {brokers.map(({ node, host, port, leads, follows, coordinates }) => (
            <Table.Tr key={node} data-broker={node}>
              <Table.Td>{brokerName(node)}</Table.Td>
              <Table.Td>
                {host}:{port}
              </Table.Td>
              <Table.Td>
                <Group gap={4}>
                  <RoleBadge of="isBroker">{t('isBroker')}</RoleBadge>
                  {node === controller ? <RoleBadge of="isController">{t('isController')}</RoleBadge> : null}
                  {leads > 0 ? (
                    <RoleBadge of="isLeader">{t('leaderOf', { count: leads, told: whole(leads) })}</RoleBadge>
                  ) : null}
                  {follows > 0 ? (
                    <RoleBadge of="isFollower">{t('followerOf', { count: follows, told: whole(follows) })}</RoleBadge>
                  ) : null}
                  {coordinates.length > 0 ? <RoleBadge of="isCoordinator">{t('isCoordinator')}</RoleBadge> : null}
                </Group>
              </Table.Td>
              <Table.Td>{coordinates.join(', ') || '–'}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

/** A role, and what whoever has it does, for whoever points at it or comes by with the keyboard. */
function RoleBadge({ of: role, children }: { of: Role; children: ReactNode }) {
  const { t } = useTranslation('groups')
  const { about, colour } = ROLES[role]
  return (
    <Tooltip
      label={t(about)}
      multiline
      w={280}
      maw="calc(100vw - 2rem)"
      events={{ hover: true, focus: true, touch: true }}
    >
      <Badge variant="light" color={colour} miw="max-content" tabIndex={0} data-role={role}>
        {children}
      </Badge>
    </Tooltip>
  )
}
