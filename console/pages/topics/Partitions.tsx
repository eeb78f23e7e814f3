import { Badge, Code, Group, Table } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { TopicDetail } from '@timesale/contracts/console-api'

/** Where each partition is, and what the topic is set to. */
export function Partitions({ detail: { partitionList, configs } }: { detail: TopicDetail }) {
  const { t } = useTranslation('topics')
  return (
    <>
      <Table.ScrollContainer minWidth={560}>
        <Table verticalSpacing={4}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('partition')}</Table.Th>
              <Table.Th>{t('leader')}</Table.Th>
              <Table.Th>{t('copies')}</Table.Th>
              <Table.Th>{t('inSync')}</Table.Th>
              <Table.Th ta="right">{t('first')}</Table.Th>
              <Table.Th ta="right">{t('end')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {partitionList.map(({ partition, leader, replicas, inSync, first, end }) => (
              <Table.Tr key={partition}>
                <Table.Td>{partition}</Table.Td>
                <Table.Td>{leader < 0 ? <Badge color="red">{t('noLeader')}</Badge> : leader}</Table.Td>
                <Table.Td>{replicas.join(', ')}</Table.Td>
                <Table.Td>
                  {inSync.length < replicas.length ? (
                    <Badge color="orange" variant="light">
                      {inSync.join(', ') || t('noLeader')}
                    </Badge>
                  ) : (
                    inSync.join(', ')
                  )}
                </Table.Td>
                <Table.Td ta="right">{first}</Table.Td>
                <Table.Td ta="right">{end}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      <details>
        <summary>{t('configs')}</summary>
        <Group gap="xs" mt="xs">
          {configs.map(({ name, value, isDefault }) => (
            <Code key={name} fw={isDefault ? 400 : 700}>
              {name}={value}
              {isDefault ? ` (${t('configDefault')})` : ''}
            </Code>
          ))}
        </Group>
      </details>
    </>
  )
}
