import { Button, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import type { FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { logIn, type Seat } from '../api/session.ts'
import { ProblemNote } from '../ui/ProblemNote.tsx'

/** Asks who somebody is, where nobody can be logged in without being asked: in place of a page, or with `title` as a part of one. */
export function LogIn({ seat, title, onDone }: { seat: Seat; title?: string; onDone: () => void }) {
  const { t } = useTranslation('shell')
  const loggingIn = useMutation({
    mutationFn: ({ email, password }: { email: string; password: string }) => logIn(seat, email, password),
    onSuccess: onDone,
  })
  const submit = (event: FormEvent<HTMLFormElement>): void => {
    event.preventDefault()
    const fields = new FormData(event.currentTarget)
    const typed = (name: string): string => {
      const value = fields.get(name)
      return typeof value === 'string' ? value : ''
    }
    loggingIn.mutate({ email: typed('email'), password: typed('password') })
  }
  return (
    <Paper withBorder p="lg" maw={420} mx="auto" mt="xl">
      <form onSubmit={submit}>
        <Stack>
          <Title order={title === undefined ? 1 : 2} size="h3">
            {title ?? t('logInTitle')}
          </Title>
          {title === undefined ? <Text size="sm">{t('logInWhy')}</Text> : null}
          <TextInput name="email" type="email" label={t('email')} autoComplete="username" required />
          <PasswordInput name="password" label={t('password')} autoComplete="current-password" required />
          {loggingIn.isError ? <ProblemNote error={loggingIn.error} /> : null}
          <Button type="submit" loading={loggingIn.isPending}>
            {t('logIn')}
          </Button>
        </Stack>
      </form>
    </Paper>
  )
}
