import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const ON_MACOS = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
const INSTALL_WITHIN_MS = 10 * 60_000

/** Why no browser is to be had here, and what to do about it. */
export class NoBrowser extends Error {
  override readonly name = 'NoBrowser'
}

/**
 * A Chromium of this machine, without a window. Where there is none and this is Debian or Ubuntu and we may, it is
 * installed; else NoBrowser says what to install. `CHROMIUM` names another one.
 */
export async function openBrowser(): Promise<Browser> {
  const executablePath = findBrowser() ?? installBrowser()
  // Who runs this as root has no sandbox; all that is opened is the shop of the test.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return await chromium.launch({ executablePath, args: [...args, '--disable-dev-shm-usage'] })
}

function findBrowser(): string | undefined {
  const named = process.env['CHROMIUM']
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return named
    throw new NoBrowser(`CHROMIUM names ${named}, which is not there.`)
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path))
  return found ?? (existsSync(ON_MACOS) ? ON_MACOS : undefined)
}

function installBrowser(): string {
  const way = 'Install Chromium (Debian: apt-get install chromium), or name one with CHROMIUM=/path/to/chrome.'
  const mayInstall = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  if (!mayInstall) throw new NoBrowser(`There is no Chromium here to play the console through with. ${way}`)
  console.log('There is no Chromium here; installing it with apt-get.')
  for (const args of [
    ['update', '-qq'],
    ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-liberation'],
  ]) {
    const { status, stderr, error } = spawnSync('apt-get', args, {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      encoding: 'utf8',
      timeout: INSTALL_WITHIN_MS,
      // What it asks of nobody is answered by nobody.
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    if (status !== 0) {
      const why = error?.message ?? stderr.trim().split('\n').at(-1) ?? `exit code ${status}`
      throw new NoBrowser(`apt-get ${args[0]} failed: ${why}. ${way}`)
    }
  }
  const installed = findBrowser()
  if (installed === undefined) throw new NoBrowser(`apt-get installed Chromium, and it is not in the PATH. ${way}`)
  return installed
}
