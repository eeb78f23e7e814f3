import type { Bar, Figure, Text } from './experiment.ts'

const WIDTH = 760
const LABEL_WIDTH = 250
const VALUE_WIDTH = 120
const ROW_HEIGHT = 26
const TITLE_HEIGHT = 34
const FIGURE_GAP = 14
const BAR_HEIGHT = 14
const FONT = 'system-ui, sans-serif'

/** Bars of medians, with a line from the least to the greatest value of each; readable on light and dark grounds. */
export function chart(figures: readonly Figure[], language: keyof Text): string {
  let top = FIGURE_GAP
  const drawn = figures.map((figure) => {
    const at = top
    top += TITLE_HEIGHT + figure.bars.length * ROW_HEIGHT + FIGURE_GAP
    return drawFigure(figure, language, at)
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img">`,
    `<title>${escaped(figures.map(({ title }) => title[language]).join('; '))}</title>`,
    `<rect width="${WIDTH}" height="${top}" rx="6" fill="#fff"/>`,
    ...drawn,
    '</svg>',
    '',
  ].join('\n')
}

function drawFigure({ title, unit, bars }: Figure, language: keyof Text, top: number): string {
  const greatest = Math.max(...bars.flatMap(({ values }) => values), 0)
  const scale = (value: number): number =>
    greatest === 0 ? 0 : (value / greatest) * (WIDTH - LABEL_WIDTH - VALUE_WIDTH)
  const head = text(16, top + 16, `${title[language]} (${unit[language]})`, 'font-weight="600"')
  return [
    head,
    ...bars.map((bar, index) => drawBar(bar, language, top + TITLE_HEIGHT + index * ROW_HEIGHT, scale)),
  ].join('\n')
}

function drawBar({ side, values }: Bar, language: keyof Text, top: number, scale: (value: number) => number): string {
  const middle = top + BAR_HEIGHT / 2
  const value = median(values)
  const least = LABEL_WIDTH + scale(Math.min(...values))
  const most = LABEL_WIDTH + scale(Math.max(...values))
  const end = Math.max(LABEL_WIDTH + scale(value), most)
  return [
    text(LABEL_WIDTH - 8, middle + 4, side[language], 'text-anchor="end"'),
    `<rect x="${LABEL_WIDTH}" y="${top}" width="${round(scale(value))}" height="${BAR_HEIGHT}" fill="#4c6ef5"/>`,
    ...(values.length > 1
      ? [
          `<line x1="${round(least)}" x2="${round(most)}" y1="${middle}" y2="${middle}" stroke="#212529" stroke-width="1.5"/>`,
        ]
      : []),
    text(end + 8, middle + 4, shown(value)),
  ].join('\n')
}

function text(x: number, y: number, words: string, more = ''): string {
  const place = `x="${round(x)}" y="${round(y)}"`
  return `<text ${place} font-family="${FONT}" font-size="13" fill="#212529" ${more}>${escaped(words)}</text>`
}

/** As a person reads it: 12,345; 12.3; 0.12. */
export function shown(value: number): string {
  const digits = value === 0 || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 2
  return value.toLocaleString('en', { maximumFractionDigits: digits })
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
