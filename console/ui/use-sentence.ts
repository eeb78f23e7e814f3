import { useTranslation } from 'react-i18next'
import { ApiProblem } from '../api/problem.ts'
import { problemText } from './problem-text.ts'

type Told = Exclude<keyof typeof problemText.en, `retryIn_${string}`>

/** A sentence about anything that was thrown, in the chosen language. */
export function useSentence(): (error: unknown) => string {
  const { t } = useTranslation('problem')
  return (error) => {
    if (!(error instanceof ApiProblem)) return t('other')
    const told = isTold(error.code) ? t(error.code) : (error.document.title ?? t('other'))
    const seconds = error.retryAfterSeconds
    return seconds === undefined ? told : `${told} ${t('retryIn', { count: Math.ceil(seconds) })}`
  }
}

function isTold(code: string): code is Told {
  return Object.hasOwn(problemText.en, code)
}
