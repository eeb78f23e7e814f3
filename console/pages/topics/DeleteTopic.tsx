import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { call } from '../../api/call.ts'
import { withQuery } from '../../api/use-get.ts'
import { ProblemNote } from '../../ui/ProblemNote.tsx'

/** Deletes a topic, after its name was typed. */
export function DeleteTopic({ topic }: { topic: string }) {
  const { t } = useTranslation(['topics', 'part'])
  const [isOpen, { open, close }] = useDisclosure()
  const [typed, setTyped] = useState('')
  const navigate = useNavigate()
  const queries = useQueryClient()
  const deleting = useMutation({
    mutationFn: () =>
      call('operator', withQuery(`/api/console/topics/${topic}`, { confirm: typed }), { method: 'DELETE' }),
    onSuccess: async () => {
      notifications.show({ message: t('removed', { topic }), color: 'green' })
      await queries.invalidateQueries({ queryKey: ['operator', '/api/console/topics'] })
      await navigate({ to: '/topics' })
    },
  })
  return (
    <>
      <Group>
        <Button color="red" variant="light" onClick={open}>
          {t('remove')}
        </Button>
      </Group>
      <Modal
        opened={isOpen}
        onClose={close}
        title={`${t('remove')}: ${topic}`}
        closeButtonProps={{ 'aria-label': t('part:close') }}
      >
        <form
          onSubmit={(event) => {
            event.preventDefault()
            deleting.mutate()
          }}
        >
          <Stack>
            <Text size="sm">{t('removeWhy')}</Text>
            <TextInput
              label={t('name')}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              autoComplete="off"
              data-autofocus
            />
            {deleting.isError ? <ProblemNote error={deleting.error} /> : null}
            <Group justify="flex-end">
              <Button variant="default" onClick={close}>
                {t('cancel')}
              </Button>
              <Button type="submit" color="red" disabled={typed !== topic} loading={deleting.isPending}>
                {t('remove')}
              </Button>
            </Group>
          </Stack>
        </form>
      </Modal>
    </>
  )
}
