import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const ON_MACOS = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'
const INSTALL_WITHIN_MS = 10 * 60_000
const LAUNCHED_WITHIN_MS = 60_000
const WAY = 'Install Chromium (Debian: apt-get install chromium), or name one with CHROMIUM=/path/to/chrome.'

/** Why no browser is to be had here, and what to do about it. */
export class NoBrowser extends Error {
  override readonly name = 'NoBrowser'
}

/**
 * A Chromium of this machine, without a window. Where there is none it is installed: on Debian and Ubuntu with apt-get if we
 * may, else into Playwright's own folder below the home. NoBrowser says why that failed, and what to install. `CHROMIUM` names
 * another one.
 */
export async function openBrowser(): Promise<Browser> {
  const executablePath = findBrowser() ?? installBrowser()
  // Who runs this as root has no sandbox; all that is opened is the shop of the test.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const launch = (): Promise<Browser> =>
    chromium.launch({ executablePath, args: [...args, '--disable-dev-shm-usage'], timeout: LAUNCHED_WITHIN_MS })
  try {
    // A busy machine may be late once.
    return await launch().catch(launch)
  } catch (error) {
    const [why = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
    throw new NoBrowser(`${executablePath} cannot be started: ${why} ${WAY}`)
  }
}

function findBrowser(): string | undefined {
  const named = process.env['CHROMIUM']
  if (named !== undefined && named !== '') {
    if (existsSync(named)) return named
    throw new NoBrowser(`CHROMIUM names ${named}, which is not there.`)
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const inPath = NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))
  return [...inPath, ON_MACOS, ...ofPlaywright()].find((path) => existsSync(path))
}

/** It throws on a system that it makes none for. */
function ofPlaywright(): string[] {
  try {
    return [chromium.executablePath()]
  } catch {
    return []
  }
}

function installBrowser(): string {
  const mayUseApt = process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')
  console.log(`There is no Chromium here; installing it with ${mayUseApt ? 'apt-get' : 'Playwright'}.`)
  if (mayUseApt) {
    install('apt-get', ['update', '-qq'])
    install('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium', 'fonts-liberation'])
  } else {
    const cli = join(dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')), 'cli.js')
    install(process.execPath, [cli, 'install', 'chromium', '--no-shell', '--no-progress'])
  }
  const installed = findBrowser()
  if (installed === undefined) throw new NoBrowser(`Chromium was installed, and is not where it should be. ${WAY}`)
  return installed
}

function install(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    encoding: 'utf8',
    timeout: INSTALL_WITHIN_MS,
    // What it asks of nobody is answered by nobody.
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  if (status === 0) return
  const why =
    error?.message ??
    stderr
      .trim()
      .split('\n')
      .at(command === 'apt-get' ? -1 : 0) ??
    `exit code ${status}`
  throw new NoBrowser(`There is no Chromium here, and it cannot be installed: ${why}. ${WAY}`)
}
