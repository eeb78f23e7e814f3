import { Alert, Button } from '@mantine/core'
import type { ErrorComponentProps } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'

/** In place of a page that threw. A chunk that is gone, since the console was built anew meanwhile, is such a case. */
export function Broken({ error }: ErrorComponentProps) {
  const { t } = useTranslation('shell')
  return (
    <Alert color="red" role="alert" title={t('broke')}>
      {error instanceof Error ? error.message : String(error)}
      <br />
      <Button mt="sm" size="xs" onClick={() => globalThis.location.reload()}>
        {t('reload')}
      </Button>
    </Alert>
  )
}
