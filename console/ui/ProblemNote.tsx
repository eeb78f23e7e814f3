import { Alert, Button, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { ApiProblem } from '../api/problem.ts'
import { useSentence } from './use-sentence.ts'

/** What went wrong, and the way on. Told to screen readers when it comes. */
export function ProblemNote({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation('part')
  const sentence = useSentence()
  const fields = error instanceof ApiProblem ? (error.document.errors ?? []) : []
  const detail = error instanceof ApiProblem ? error.document.detail : undefined
  return (
    <Alert color="red" variant="light" role="alert" title={sentence(error)}>
      {fields.map(({ field, message }) => (
        <Text key={field} size="sm">
          {field}: {message}
        </Text>
      ))}
      {fields.length === 0 && detail !== undefined ? <Text size="sm">{detail}</Text> : null}
      {retry === undefined ? null : (
        <Button mt="xs" size="xs" variant="light" color="red" onClick={retry}>
          {t('retry')}
        </Button>
      )}
    </Alert>
  )
}
