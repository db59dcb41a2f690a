// A machine that has Node, npm and the core utilities, and nothing to compile with: PATH is one
// directory of links. The home directory stays, so that npm finds its settings and its cache.

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

const { nodeRuntime, NODE_VERSIONS } = createRequire(import.meta.url)(
  '../../deploy/package/runtime.cjs',
) as {
  nodeRuntime(version: string, arch: string): string
  NODE_VERSIONS: readonly string[]
}

export { NODE_VERSIONS, nodeRuntime }

const UTILITIES = ['sh', 'env', 'cat', 'cp', 'dirname', 'basename', 'grep', 'ls', 'mkdir', 'rm']
export const BUILD_TOOLS = ['g++', 'gcc', 'c++', 'cc', 'clang', 'make', 'python3', 'python']

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export class Machine {
  /** An empty directory to work in. */
  readonly directory: string
  readonly #bin: string
  readonly #root: string
  readonly #path: string

  /** @param compiles has what PATH of this machine has, too */
  constructor(version: string, compiles = false) {
    this.#root = mkdtempSync(join(tmpdir(), 'meter-fast-machine-'))
    this.#bin = join(this.#root, 'bin')
    this.#path = compiles ? `${this.#bin}${delimiter}${process.env.PATH}` : this.#bin
    this.directory = join(this.#root, 'work')
    mkdirSync(this.#bin)
    mkdirSync(this.directory)
    this.#link('node', join(nodeRuntime(version, 'x64'), 'bin/node'))
    for (const name of ['npm', 'npx', ...UTILITIES]) this.#link(name, inPath(name))
  }

  /** Runs a program in the working directory to its end. */
  run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const child = spawn(program, args, {
      cwd: this.directory,
      env: { ...cleanEnvironment(), PATH: this.#path, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => resolve({ code, stdout, stderr }))
    })
  }

  /** @throws when the program does not end well; the message is what it printed */
  async succeed(program: string, args: readonly string[]): Promise<Ended> {
    const ended = await this.run(program, args)
    if (ended.code === 0) return ended
    throw new Error(`${program} ${args.join(' ')}: exit code ${ended.code}\n${ended.stderr}`)
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true })
  }

  #link(name: string, target: string): void {
    symlinkSync(target, join(this.#bin, name))
  }
}

function inPath(name: string): string {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    try {
      return realpathSync(join(directory, name))
    } catch {
      // The next directory may have it.
    }
  }
  throw new Error(`${name} is not in PATH: install it and run again`)
}

/** Without what npm and vitest add for the scripts that they run; certificates stay. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const added = /^(npm_|vitest|node_(env|options|path)$|meter_fast_|prebuilds_only$)/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !added.test(name)))
}
