import { useTranslation } from 'react-i18next'
import { Page } from '../../ui/Page.tsx'

export function LivePage() {
  const { t } = useTranslation('live')
  return <Page title={t('title')}>{null}</Page>
}
