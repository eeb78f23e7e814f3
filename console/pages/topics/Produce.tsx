import { Anchor, Button, Group, Paper, Stack, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { ProducedRecord, ProduceRecord } from '@timesale/contracts/console-api'
import { call } from '../../api/call.ts'
import { ProblemNote } from '../../ui/ProblemNote.tsx'

/** Writes one record to a playground topic. */
export function Produce({ topic, partitions }: { topic: string; partitions: number }) {
  const { t } = useTranslation('topics')
  const queries = useQueryClient()
  const [key, setKey] = useState('')
  const [value, setValue] = useState('{"hello":"topic"}')
  const [partition, setPartition] = useState('')
  const path = `/api/console/topics/${topic}`
  const producing = useMutation({
    mutationFn: (record: ProduceRecord) =>
      call<ProducedRecord>('operator', `${path}/records`, { method: 'POST', body: record }),
    onSuccess: () =>
      queries.invalidateQueries({
        predicate: ({ queryKey }) => typeof queryKey[1] === 'string' && queryKey[1].startsWith(path),
      }),
  })
  const isWhole = /^\d*$/.test(partition) && (partition === '' || Number(partition) < partitions)
  return (
    <Paper withBorder p="md" component="section" aria-label={t('produce')}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          producing.mutate({
            value,
            ...(key === '' ? {} : { key }),
            ...(partition === '' ? {} : { partition: Number(partition) }),
          })
        }}
      >
        <Stack gap="sm">
          <Group align="flex-end" gap="sm">
            <TextInput label={t('key')} value={key} onChange={(event) => setKey(event.currentTarget.value)} />
            <TextInput
              label={t('partition')}
              placeholder={t('byKey')}
              inputMode="numeric"
              w={130}
              value={partition}
              onChange={(event) => setPartition(event.currentTarget.value)}
              error={isWhole ? undefined : `0 – ${partitions - 1}`}
            />
          </Group>
          <Textarea
            label={t('value')}
            autosize
            minRows={2}
            value={value}
            onChange={(event) => setValue(event.currentTarget.value)}
          />
          <Group>
            <Button type="submit" loading={producing.isPending} disabled={!isWhole}>
              {t('send')}
            </Button>
            {producing.data === undefined ? null : (
              <Anchor
                component={Link}
                role="status"
                to={`/topics/${topic}/${producing.data.partition}/${producing.data.offset}`}
              >
                {t('produced', producing.data)}
              </Anchor>
            )}
          </Group>
          {producing.isError ? <ProblemNote error={producing.error} /> : null}
        </Stack>
      </form>
    </Paper>
  )
}
