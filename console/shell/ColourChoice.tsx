import { SegmentedControl, useMantineColorScheme, VisuallyHidden } from '@mantine/core'
import { useTranslation } from 'react-i18next'

const SCHEMES = { light: '☀', dark: '☾', auto: '◐' } as const

/** Light, dark, or as the system has it. */
export function ColourChoice() {
  const { t } = useTranslation('shell')
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <SegmentedControl
      size="xs"
      aria-label={t('theme')}
      value={colorScheme}
      onChange={(scheme) => setColorScheme(scheme)}
      data={(Object.keys(SCHEMES) as (keyof typeof SCHEMES)[]).map((scheme) => ({
        value: scheme,
        label: (
          <span title={t(scheme)}>
            <span aria-hidden>{SCHEMES[scheme]}</span>
            <VisuallyHidden>{t(scheme)}</VisuallyHidden>
          </span>
        ),
      }))}
    />
  )
}
