import { Anchor, Table } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { GroupList } from '@timesale/contracts/console-api'
import { useGet } from '../../api/use-get.ts'
import { Age } from '../../ui/Age.tsx'
import { Loaded } from '../../ui/Loaded.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import { Page } from '../../ui/Page.tsx'
import { Drain, LagRecords, LagSeconds } from './LagWords.tsx'

const EVERY_MS = 1_500

/** Every consumer group: how far it is behind, and when it will have caught up. */
export function GroupsPage() {
  const { t } = useTranslation('groups')
  const { whole, perSecond } = useNumbers()
  const groups = useGet<GroupList>('operator', '/api/console/groups', { everyMs: EVERY_MS })
  return (
    <Page title={t('title')} beside={<Age asOf={groups.data?.asOf} />}>
      <Loaded query={groups}>
        {({ groups: list }) => (
          <Table.ScrollContainer minWidth={780}>
            <Table highlightOnHover>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>{t('group')}</Table.Th>
                  <Table.Th>{t('kind')}</Table.Th>
                  <Table.Th>{t('state')}</Table.Th>
                  <Table.Th ta="right">{t('members')}</Table.Th>
                  <Table.Th ta="right">{t('lag')}</Table.Th>
                  <Table.Th ta="right">{t('behind')}</Table.Th>
                  <Table.Th ta="right">{t('rate')}</Table.Th>
                  <Table.Th ta="right">{t('drain')}</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {list.map((group) => (
                  <Table.Tr key={group.group} data-group={group.group}>
                    <Table.Td>
                      <Anchor component={Link} to={`/groups/${encodeURIComponent(group.group)}`}>
                        {group.group}
                      </Anchor>
                    </Table.Td>
                    <Table.Td>{t(group.kind)}</Table.Td>
                    <Table.Td>{group.state}</Table.Td>
                    <Table.Td ta="right">{whole(group.members)}</Table.Td>
                    <Table.Td ta="right">
                      <LagRecords lag={group} />
                    </Table.Td>
                    <Table.Td ta="right">
                      <LagSeconds lag={group} />
                    </Table.Td>
                    <Table.Td ta="right">{perSecond(group.perSecond)}</Table.Td>
                    <Table.Td ta="right">
                      <Drain lag={group} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </Table.ScrollContainer>
        )}
      </Loaded>
    </Page>
  )
}
