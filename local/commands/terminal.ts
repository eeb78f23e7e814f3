import { styleText } from 'node:util'
import { prefixed } from '../supervisor/log-lines.ts'

const barWidth = 24

/** What the supervisor shows: lines, and on a terminal one moving line below them for what is being fetched. */
export class Terminal {
  readonly #out: NodeJS.WriteStream
  readonly #fetches = new Map<string, { done: number; total: number; told: number }>()
  #barShown = false

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out
    // The terminal may be closed, or the reader of a pipe gone, while the shop still has to be stopped in order.
    out.on('error', () => {})
  }

  line(text: string): void {
    this.#clearBar()
    this.#out.write(`${text}\n`)
    this.#drawBar()
  }

  part(name: string, text: string, level?: 'warn'): void {
    this.line(prefixed(name, level === 'warn' ? styleText('yellow', text) : text))
  }

  step(text: string): void {
    this.line(styleText('bold', text))
  }

  /** Files of `what` fetched so far. On a terminal a bar; elsewhere a line each quarter. */
  fetched(what: string, done: number, total: number): void {
    const fetch = this.#fetches.get(what) ?? { done: 0, total, told: -1 }
    this.#fetches.set(what, { ...fetch, done, total })
    if (this.#out.isTTY) {
      this.#clearBar()
      if (done >= total) this.#finished(what, total)
      this.#drawBar()
      return
    }
    const quarter = Math.floor((4 * done) / Math.max(1, total))
    if (quarter === fetch.told) return
    this.#fetches.set(what, { done, total, told: quarter })
    this.line(`Fetching ${what}: ${done} of ${total} files`)
  }

  #finished(what: string, total: number): void {
    this.#fetches.delete(what)
    this.#out.write(`Fetched ${what}: ${total} file${total === 1 ? '' : 's'}\n`)
  }

  #clearBar(): void {
    if (!this.#barShown) return
    this.#out.write('\r\u001B[K')
    this.#barShown = false
  }

  #drawBar(): void {
    if (!this.#out.isTTY || this.#fetches.size === 0) return
    const bars = [...this.#fetches].map(([what, { done, total }]) => {
      const filled = Math.round((barWidth * done) / Math.max(1, total))
      return `Fetching ${what} ${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${done}/${total}`
    })
    this.#out.write(bars.join('   '))
    this.#barShown = true
  }
}
