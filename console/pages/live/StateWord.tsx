import { useTranslation } from 'react-i18next'
import type { PartView } from '@timesale/contracts/console-api'
import classes from './live.module.css'

type State = PartView['state']

const SIGNS: Readonly<Record<State, string>> = {
  running: '●',
  external: '○',
  starting: '◌',
  restarting: '↻',
  paused: '❚❚',
  stopped: '✕',
  unknown: '?',
}

const TONES: Readonly<Record<State, string | undefined>> = {
  running: classes['good'],
  external: classes['soft'],
  starting: classes['halt'],
  restarting: classes['bad'],
  paused: classes['halt'],
  stopped: classes['bad'],
  unknown: classes['soft'],
}

/** How a part is: a sign, a word and a colour. */
export function StateWord({ state }: { state: State }) {
  const { t } = useTranslation('part')
  return (
    <span className={TONES[state]}>
      <span aria-hidden>{SIGNS[state]} </span>
      {t(state)}
    </span>
  )
}
