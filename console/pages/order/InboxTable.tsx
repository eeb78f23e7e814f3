import { Table, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { TraceHop } from '@timesale/contracts/trace-api'
import { newestTold } from './hop-story.ts'

/** How far each consumer has applied what was told, and whether that is all of it. */
export function InboxTable({ inboxes, hops }: { inboxes: readonly TraceHop[]; hops: readonly TraceHop[] }) {
  const { t } = useTranslation('order')
  return (
    <>
      <Table verticalSpacing={4} maw={720}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('consumer')}</Table.Th>
            <Table.Th>{t('source')}</Table.Th>
            <Table.Th>{t('appliedTo')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {inboxes.map(({ where, what, version = 0 }) => {
            const newest = Math.max(version, newestTold(hops, what))
            const isAll = version >= newest
            return (
              <Table.Tr key={`${where} ${what}`} data-hop={where} data-applied={version}>
                <Table.Td>{where}</Table.Td>
                <Table.Td>{what}</Table.Td>
                <Table.Td>
                  {t('ofNewest', { version, newest })} {isAll ? `✓ ${t('isAll')}` : `▲ ${t('isBehind')}`}
                </Table.Td>
              </Table.Tr>
            )
          })}
        </Table.Tbody>
      </Table>
      <Text size="xs" c="dimmed" mt="xs">
        {t('inboxesHint')}
      </Text>
    </>
  )
}
