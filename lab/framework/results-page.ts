import { median, shown } from './chart.ts'
import type { Language, Outcome } from './experiment.ts'
import type { Machine } from './machine.ts'
import type { Result } from './result.ts'

// Results as people read them: RESULTS.md, the same in Korean, and what is said in the terminal.

/** Each experiment's folder, with what its last run came to. */
export interface Entry {
  readonly name: string
  readonly result: Result
}

const HEADS: Readonly<Record<Language, readonly string[]>> = {
  en: [
    '# Results',
    '',
    '[한국어](RESULTS.ko.md)',
    '',
    'Written by `npm run lab` after every run: the last run of each experiment.',
    '',
  ],
  ko: [
    '# 결과',
    '',
    '[English](RESULTS.md)',
    '',
    '`npm run lab`이 실험을 돌릴 때마다 새로 씁니다. 실험마다 마지막으로 돌린 결과입니다.',
    '',
  ],
}

/** RESULTS.md, or RESULTS.ko.md. */
export function resultsPage(entries: readonly Entry[], language: Language): string {
  const readme = language === 'en' ? 'README.md' : 'README.ko.md'
  const parts = entries.flatMap(({ name, result }) => [
    `## [${result.question[language]}](${name}/${readme})`,
    '',
    language === 'en' ? headOf(result) : koreanHeadOf(result),
    '',
    // Of a run that came to no outcome all has been said.
    ...(result.claims.length === 0 ? [] : [...linesOf(result, language), '']),
  ])
  return [...HEADS[language], ...parts].join('\n')
}

function headOf({ at, seconds, faults, machine }: Result): string {
  const { cpu, cores, memoryGiB, system, node } = machine
  const where = `${cores} cores of ${cpu}, ${memoryGiB} GiB, ${system}, Node ${node}${codeOf(machine, 'en')}`
  const when = `on ${at.slice(0, 10)} in ${seconds} s; ${where}`
  if (faults.length === 0) return `Reproduced ${when}.`
  return `**Not reproduced** ${when}: ${faults.map(({ en }) => en).join('; ')}.`
}

function koreanHeadOf({ at, seconds, faults, machine }: Result): string {
  const { cpu, cores, memoryGiB, system, node } = machine
  const where = `${cpu} ${cores}코어, ${memoryGiB} GiB, ${system}, Node ${node}${codeOf(machine, 'ko')}`
  const when = `${at.slice(0, 10)}, ${seconds}초; ${where}`
  if (faults.length === 0) return `재현됨: ${when}.`
  return `**재현되지 않음**: ${when}. 이유: ${faults.map(({ ko }) => ko).join('; ')}.`
}

function codeOf({ commit, isChanged }: Machine, language: Language): string {
  if (commit === undefined) return ''
  if (language === 'en') return `, commit ${commit}${isChanged === true ? ' with changes' : ''}`
  return `, 커밋 ${commit}${isChanged === true ? '(커밋하지 않은 변경 있음)' : ''}`
}

/** Claims with their numbers, and figures with median and range. */
export function linesOf({ claims, figures, work }: Outcome, language: Language): string[] {
  const counted = work.map(({ what, count }) => `${what[language]} ${shown(count)}`)
  return [
    ...claims.map(({ text, holds, because }) => `- ${holds ? '✔' : '✖'} ${text[language]}: ${because[language]}`),
    ...figures.map(({ title, unit, bars }) => {
      const sides = bars.map(({ side, values }) => `${side[language]} ${rangeOf(values, language)}`)
      return `- ${title[language]} (${unit[language]}): ${sides.join('; ')}`
    }),
    `- ${language === 'en' ? 'counted' : '센 것'}: ${counted.join('; ')}`,
  ]
}

function rangeOf(values: readonly number[], language: Language): string {
  if (values.length < 2) return shown(median(values))
  const [least, most] = [shown(Math.min(...values)), shown(Math.max(...values))]
  return `${shown(median(values))} [${language === 'en' ? `${least} to ${most}` : `${least}~${most}`}]`
}
