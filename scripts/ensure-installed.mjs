// Run before `npm start`, `npm test` and the like, so that a fresh clone needs nothing before them. Only Node's own
// modules, and nothing newer than Node 20: this is what runs while nothing is installed yet.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')
const marker = join(modules, '.timesale-lock')
const lock = join(root, '.installing')
const owner = join(lock, 'owner.json')

const nodeMajorMin = 20
const pollMs = 300
// Between making the lock and signing it there is next to no time.
const unsignedMaxMs = 5000
// No install takes so long: its holder is another machine's, or its pid was given to another process.
const heldMaxMs = 15 * 60_000

requireNode()
if (!isInstalled()) await installAlone()

function requireNode() {
  const { node } = process.versions
  if (Number(node.split('.')[0]) >= nodeMajorMin) return
  fail(
    `Timesale needs Node ${nodeMajorMin} or newer to install itself, and this is ${node}.\n` +
      '  With nvm (https://github.com/nvm-sh/nvm):  nvm install 24',
  )
}

function isInstalled() {
  return readOrEmpty(marker) === lockHash()
}

// What npm ci would install, told by the lock file and by the system for which binaries were chosen.
function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(`${process.platform}-${process.arch}`)
    .digest('hex')
}

async function installAlone() {
  await takeLock()
  try {
    // The holder before us may have done it; so may a person, with npm ci or npm install.
    if (!isInstalled() && !(isInstalledByHand() && hasRunTime())) await install()
    writeFileSync(marker, lockHash())
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

// npm notes down what it has installed, in the form of the lock file.
function isInstalledByHand() {
  const installed = packagesOf(join(modules, '.package-lock.json'))
  const wanted = Object.entries(packagesOf(join(root, 'package-lock.json')))
  const needed = wanted.filter(([path, { link, optional }]) => path.startsWith('node_modules/') && !link && !optional)
  return needed.length > 0 && needed.every(([path, { version }]) => installed[path]?.version === version)
}

function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? {}
  } catch {
    return {}
  }
}

async function install() {
  console.log('Installing what the shop needs (npm ci). This is done once, and again when package-lock.json changes.')
  rmSync(marker, { force: true })
  const npm = process.env.npm_execpath ?? ''
  const node = process.env.npm_node_execpath ?? process.execPath
  // Not started by npm: the one in the PATH.
  const [file, args] = basename(npm).startsWith('npm') ? [node, [npm, 'ci']] : ['npm', ['ci']]
  const installing = spawn(file, [...args, '--no-audit', '--no-fund'], { cwd: root, stdio: 'inherit' })
  installing.once('error', (error) => failHolding(`npm could not be run: ${error.message}`))
  // Should this process be killed, npm goes on, and nobody else must begin meanwhile.
  sign([process.pid, installing.pid])
  const [code, signal] = await once(installing, 'exit')
  if (signal !== null) failHolding(`npm ci was ended by ${signal}. Start again to go on.`)
  if (code !== 0)
    failHolding(`npm ci failed with exit code ${code}; its reason is above. Check the network, then start again.`)
  if (!hasRunTime()) {
    failHolding(
      'npm ran no install scripts (is ignore-scripts set?), and so there is no pinned Node. Try: npm rebuild --ignore-scripts=false',
    )
  }
}

// The pinned Node is put in place by an install script.
function hasRunTime() {
  return existsSync(join(modules, '.bin', 'node'))
}

// A folder, since making one fails where it is already: of two starts at once one installs, and the other waits for it.
async function takeLock() {
  for (let told = false; ;) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if (error.code !== 'EEXIST') fail(`Cannot write to ${root}: ${error.message}`)
    }
    if (isAbandoned(lock)) {
      removeAbandoned()
      continue
    }
    if (!told) console.log('Another process is installing; waiting for it.')
    told = true
    await new Promise((resolve) => setTimeout(resolve, pollMs))
  }
  sign([process.pid])
}

function sign(pids) {
  writeFileSync(owner, JSON.stringify({ pids, host: hostname() }))
}

function isAbandoned(folder) {
  let heldMs
  try {
    heldMs = Date.now() - statSync(folder).mtimeMs
  } catch {
    return false // Released just now.
  }
  try {
    const { pids, host } = JSON.parse(readFileSync(join(folder, 'owner.json'), 'utf8'))
    return heldMs > heldMaxMs || (host === hostname() && !pids.some(isAlive))
  } catch {
    return heldMs > unsignedMaxMs
  }
}

// Moved away before it is deleted: should it meanwhile be another one, taken by a living process, it is put back.
function removeAbandoned() {
  const away = `${lock}.${process.pid}`
  try {
    renameSync(lock, away)
    if (!isAbandoned(away)) renameSync(away, lock)
    rmSync(away, { recursive: true, force: true })
  } catch {
    // Another one was quicker.
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function readOrEmpty(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function failHolding(message) {
  rmSync(lock, { recursive: true, force: true })
  fail(message)
}

function fail(message) {
  console.error(`\n${message}`)
  process.exit(1)
}
