import { Alert, Button } from '@mantine/core'
import type { ErrorComponentProps } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { PageNotFetched } from './lazy-page.ts'

/** In place of a page that threw, or could not be fetched. */
export function Broken({ error }: ErrorComponentProps) {
  const { t } = useTranslation('shell')
  return (
    <Alert color="red" role="alert" title={t('broke')}>
      {error instanceof PageNotFetched ? t('notFetched') : error instanceof Error ? error.message : String(error)}
      <br />
      <Button mt="sm" size="xs" onClick={() => globalThis.location.reload()}>
        {t('reload')}
      </Button>
    </Alert>
  )
}
