import { Button, Code, Group, Stack, Text } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { PartActionName, PartView } from '@timesale/contracts/console-api'
import { call } from '../../api/call.ts'
import { ApiProblem } from '../../api/problem.ts'
import { useAbout } from '../../api/use-about.ts'
import { useSentence } from '../../ui/use-sentence.ts'
import { ACTIONS, isSensible, isSilent, priceOf, wayBack } from './part-actions.ts'

/** It is answered when it is so, and a broker takes its time to start. */
const DONE_WITHIN_MS = 120_000

/** What takes a part away as a fault does, and what brings it back; the rest is grey. */
const COLOURS: Readonly<Partial<Record<PartActionName, string>>> = { kill: 'red', start: 'green', resume: 'green' }

/** What can be done to a part, each with one click; two where the page, its log-in or Kafka goes with it. */
export function PartActions({ part, parts }: { part: PartView; parts: readonly PartView[] }) {
  const { t } = useTranslation('live')
  const about = useAbout()
  const acting = useAct()
  const [asked, setAsked] = useState<PartActionName>()
  if (about?.actions !== true || !about.supervised) return <Quiet>{t('noActions')}</Quiet>
  if (part.state === 'external') return <Quiet>{t('isExternal')}</Quiet>

  const price = priceOf('stop', part, parts)
  const choose = (action: PartActionName): void => {
    if (priceOf(action, part, parts) !== undefined && asked !== action) return setAsked(action)
    setAsked(undefined)
    acting.mutate({ part: part.name, action })
  }
  return (
    <Stack gap="xs" role="group" aria-label={t('actionsOf', { part: part.name })}>
      {price === undefined ? null : (
        <Text size="xs" fw={600} data-price={price}>
          {t(`price_${price}`)}
          {price === 'last-broker' ? null : (
            <>
              {' '}
              <Code>npm run part -- start {part.name}</Code> {t('afterPause')}{' '}
              <Code>npm run part -- resume {part.name}</Code>
            </>
          )}
        </Text>
      )}
      <Group gap={6}>
        {ACTIONS.map((action) => (
          <ActionButton
            key={action}
            action={action}
            isSensible={isSensible(action, part.state)}
            isPending={acting.isPending && acting.variables.action === action}
            onChoose={() => choose(action)}
          />
        ))}
      </Group>
      {asked === undefined ? null : (
        <Group gap={6} role="group" aria-label={t(`sure_${asked}`)}>
          {asked === 'restart' && price === 'gateway' ? <Text size="xs">{t('priceGatewayRestart')}</Text> : null}
          <Button size="xs" color="red" autoFocus onClick={() => choose(asked)}>
            {t(`sure_${asked}`)}
          </Button>
          <Button size="xs" variant="default" onClick={() => setAsked(undefined)}>
            {t('cancel')}
          </Button>
        </Group>
      )}
      <Quiet>
        {t('killMeans')}
        <br />
        {t('inTerminal')}{' '}
        <Code>
          npm run part -- {wayBack(part.state) ?? 'kill'} {part.name}
        </Code>
      </Quiet>
    </Stack>
  )
}

// Not `disabled`, which would throw whoever has just pressed it out of the dialog.
function ActionButton({
  action,
  isSensible,
  isPending,
  onChoose,
}: {
  action: PartActionName
  isSensible: boolean
  isPending: boolean
  onChoose: () => void
}) {
  const { t } = useTranslation('live')
  return (
    <Button
      size="xs"
      {...(COLOURS[action] === undefined ? { variant: 'default' } : { color: COLOURS[action] })}
      data-action={action}
      {...(isSensible ? {} : { 'data-disabled': true, 'aria-disabled': true })}
      aria-busy={isPending}
      onClick={(event) => {
        event.preventDefault()
        if (isSensible && !isPending) onChoose()
      }}
    >
      {t(action)}
      {isPending ? ' …' : ''}
    </Button>
  )
}

function useAct() {
  const { t } = useTranslation('live')
  const sentence = useSentence()
  return useMutation({
    mutationFn: ({ part, action }: { part: string; action: PartActionName }) =>
      call('operator', `/api/console/parts/${part}/${action}`, { method: 'POST', timeoutMs: DONE_WITHIN_MS }),
    // What went well is a line of the log. This is told wherever the page is by then.
    onError: (error, { part, action }) => {
      if (isSilent(part, error)) return
      const detail = error instanceof ApiProblem ? error.document.detail : undefined
      const why = detail === undefined ? sentence(error) : `${sentence(error)} ${detail}`
      notifications.show({
        color: 'red',
        autoClose: 10_000,
        message: t('failed', { part, action: t(action), why }),
      })
    },
  })
}

function Quiet({ children }: { children: React.ReactNode }) {
  return (
    <Text size="xs" c="dimmed">
      {children}
    </Text>
  )
}
