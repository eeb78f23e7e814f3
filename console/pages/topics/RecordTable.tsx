import { Anchor, Badge, Code, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { RecordView } from '@timesale/contracts/console-api'
import { useNumbers } from '../../ui/numbers.ts'
import { isCut } from './record-bytes.ts'

/** Records, a row each, with a link to each that lasts. */
export function RecordTable({ records }: { records: readonly RecordView[] }) {
  const { t } = useTranslation('topics')
  const { time } = useNumbers()
  if (records.length === 0) return <Text c="dimmed">{t('none')}</Text>
  return (
    <Table.ScrollContainer minWidth={820}>
      <Table verticalSpacing={4} highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('offset')}</Table.Th>
            <Table.Th>{t('at')}</Table.Th>
            <Table.Th>{t('key')}</Table.Th>
            <Table.Th>{t('type')}</Table.Th>
            <Table.Th>{t('value')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {records.map((record) => (
            <Table.Tr key={`${record.partition}-${record.offset}`} data-record={`${record.partition}-${record.offset}`}>
              <Table.Td>
                <Anchor component={Link} to={`/topics/${record.topic}/${record.partition}/${record.offset}`}>
                  {record.partition}-{record.offset}
                </Anchor>
              </Table.Td>
              <Table.Td>{time(record.at)}</Table.Td>
              <Table.Td>
                <Bytes bytes={record.key} ifNone={t('noKey')} />
              </Table.Td>
              <Table.Td>
                <EventType record={record} />
              </Table.Td>
              <Table.Td maw={420}>
                <Bytes bytes={record.value} ifNone={t('noValue')} />
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

/** What kind of event it is, or that it is none. */
export function EventType({ record: { event, problem } }: { record: RecordView }) {
  const { t } = useTranslation('topics')
  if (event !== null) return <Text size="sm">{event.type}</Text>
  return problem === null ? null : (
    <Badge color="orange" variant="light" tt="none">
      {t('noEvent', { problem })}
    </Badge>
  )
}

function Bytes({ bytes, ifNone }: { bytes: RecordView['value']; ifNone: string }) {
  const { t } = useTranslation('topics')
  const numbers = useNumbers()
  if (bytes === null)
    return (
      <Text span c="dimmed" size="sm">
        {ifNone}
      </Text>
    )
  return (
    <Code style={{ wordBreak: 'break-all' }} title={bytes.encoding === 'base64' ? t('encodedBase64') : undefined}>
      {bytes.text}
      {isCut(bytes) ? t('cut', { bytes: numbers.bytes(bytes.bytes) }) : ''}
    </Code>
  )
}
