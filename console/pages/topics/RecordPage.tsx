import { Anchor, Code, Group, Stack, Table, Text } from '@mantine/core'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import type { RecordView } from '@timesale/contracts/console-api'
import { useGet } from '../../api/use-get.ts'
import { Facts } from '../../ui/Facts.tsx'
import { Loaded } from '../../ui/Loaded.tsx'
import { useNumbers } from '../../ui/numbers.ts'
import { Page } from '../../ui/Page.tsx'
import { indentJson } from './indent-json.ts'
import { isCut } from './record-bytes.ts'
import { EventType } from './RecordTable.tsx'
import { NO_SEARCH } from './no-search.ts'

const route = getRouteApi('/topics/$topic/$partition/$offset')

/** One record, whole. */
export function RecordPage() {
  const { topic, partition, offset } = route.useParams()
  const { t } = useTranslation('topics')
  const record = useGet<RecordView>('operator', `/api/console/topics/${topic}/records/${partition}/${offset}`)
  return (
    <Page title={t('recordTitle', { topic, partition, offset })}>
      <Group>
        <Anchor component={Link} to={`/topics/${topic}`}>
          {topic}
        </Anchor>
        {/^\d+$/.test(offset) && offset !== '0' ? (
          <Anchor component={Link} to={`/topics/${topic}/${partition}/${BigInt(offset) - 1n}`}>
            {t('previous')}
          </Anchor>
        ) : null}
        {/^\d+$/.test(offset) ? (
          <Anchor component={Link} to={`/topics/${topic}/${partition}/${BigInt(offset) + 1n}`}>
            {t('next')}
          </Anchor>
        ) : null}
      </Group>
      <Loaded query={record}>{(told) => <Told record={told} />}</Loaded>
      <Text size="sm" c="dimmed">
        {t('link')}
      </Text>
    </Page>
  )
}

function Told({ record }: { record: RecordView }) {
  const { t } = useTranslation('topics')
  const { moment, bytes } = useNumbers()
  const { event, key, value, headers } = record
  const isOfOrder = event !== null && ['/order/orders', '/stock/reservations'].includes(event.source)
  return (
    <Stack gap="md">
      <Facts
        facts={[
          [t('at'), moment(record.at)],
          [t('type'), <EventType key="type" record={record} />],
          ...(event === null
            ? []
            : ([
                [t('source'), event.source],
                [t('aggregate'), event.aggregateId],
                [t('version'), event.version],
              ] as const)),
          [t('key'), key === null ? t('noKey') : <Bytes key="key" bytes={key} />],
        ]}
      />
      <Group>
        {isOfOrder ? (
          <Anchor component={Link} to={`/order/${encodeURIComponent(event.aggregateId)}`}>
            {t('followOrder')}
          </Anchor>
        ) : null}
        {key === null || key.encoding !== 'utf8' ? null : (
          <Anchor
            // Not as text, so that a key such as 1.50 or {"id":1} stays the text that it is.
            renderRoot={(root: object) => (
              <Link
                {...root}
                to="/topics/$topic"
                params={{ topic: record.topic }}
                search={{ ...NO_SEARCH, key: key.text }}
              />
            )}
          >
            {t('allOfKey')}
          </Anchor>
        )}
      </Group>
      <section aria-label={t('value')}>
        <Text fw={600}>
          {t('value')} {value === null ? '' : `(${bytes(value.bytes)})`}
        </Text>
        {value === null ? (
          <Text c="dimmed">{t('noValue')}</Text>
        ) : (
          <Code block tabIndex={0}>
            {value.encoding === 'utf8' ? indentJson(value.text) : value.text}
            {isCut(value) ? t('cut', { bytes: bytes(value.bytes) }) : ''}
          </Code>
        )}
        {value?.encoding === 'base64' ? (
          <Text size="sm" c="dimmed">
            {t('encodedBase64')}
          </Text>
        ) : null}
      </section>
      <section aria-label={t('headers')}>
        <Text fw={600}>{t('headers')}</Text>
        <Table.ScrollContainer minWidth={400}>
          <Table verticalSpacing={4}>
            <Table.Tbody>
              {headers.map(({ name, value: told }, index) => (
                // A name may be there twice.
                // oxlint-disable-next-line react/no-array-index-key
                <Table.Tr key={`${name}-${index}`}>
                  <Table.Th scope="row">{name}</Table.Th>
                  <Table.Td style={{ wordBreak: 'break-all' }}>
                    {told === null ? t('noValue') : <Bytes bytes={told} />}
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      </section>
    </Stack>
  )
}

function Bytes({ bytes: { text, encoding } }: { bytes: NonNullable<RecordView['key']> }) {
  const { t } = useTranslation('topics')
  return (
    <>
      {text}
      {encoding === 'base64' ? (
        <Text span size="sm" fw={400} c="dimmed">
          {' '}
          ({t('encodedBase64')})
        </Text>
      ) : null}
    </>
  )
}
