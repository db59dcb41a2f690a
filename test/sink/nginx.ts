// A real nginx on loopback that ends TLS in front of a receiver and wants client certificates.
//
// The binary is what NGINX names, or `nginx` of the PATH, or Debian's. CI must have one; elsewhere
// the tests that need it are left out.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort } from './free-port.ts'

const BINARY = [process.env.NGINX, 'nginx', '/usr/sbin/nginx'].find(runs)

/** Whether there is an nginx to test against. */
export function hasNginx(): boolean {
  if (BINARY === undefined && process.env.CI) throw new Error('install nginx')
  return BINARY !== undefined
}

export interface NginxFiles {
  readonly certFile: string
  readonly keyFile: string
  /** Who vouches for clients. */
  readonly clientCaFile: string
}

export class Nginx {
  readonly #directory: string
  readonly port: number
  readonly #process: ChildProcess

  private constructor(directory: string, port: number, process: ChildProcess) {
    this.#directory = directory
    this.port = port
    this.#process = process
  }

  /** Starts one that hands on to `upstreamPort`; `extra` is added to its location. */
  static async start(upstreamPort: number, files: NginxFiles, extra = ''): Promise<Nginx> {
    const directory = await mkdtemp(join(tmpdir(), 'meter-fast-nginx-'))
    const port = await freePort()
    const config = join(directory, 'nginx.conf')
    await writeFile(config, configText(directory, port, upstreamPort, files, extra))
    const args = ['-c', config, '-p', directory, '-e', join(directory, 'error.log')]
    const nginx = new Nginx(directory, port, spawn(BINARY ?? '', args, { stdio: 'ignore' }))
    await nginx.#listening()
    return nginx
  }

  async dispose(): Promise<void> {
    const gone = once(this.#process, 'exit')
    if (this.#process.exitCode === null) {
      this.#process.kill('SIGQUIT')
      await gone
    }
    await rm(this.#directory, { recursive: true })
  }

  async #listening(): Promise<void> {
    for (let attempt = 0; attempt < 400; attempt += 1) {
      const socket = connect(this.port, '127.0.0.1')
      const isOpen = await new Promise((resolve) => {
        socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      })
      socket.destroy()
      if (isOpen) return
      await delay(25)
    }
    throw new Error('nginx does not listen')
  }
}

function configText(
  directory: string,
  port: number,
  upstreamPort: number,
  { certFile, keyFile, clientCaFile }: NginxFiles,
  extra: string,
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${directory}/${name};`)
    .join('\n')
  return `daemon off; master_process off; pid ${directory}/pid; worker_processes 1;
events {}
http {
  access_log off;
  ${temporary}
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate ${certFile};
    ssl_certificate_key ${keyFile};
    ssl_client_certificate ${clientCaFile};
    ssl_verify_client on;
    location / { proxy_pass http://127.0.0.1:${upstreamPort}; ${extra} }
  }
}
`
}

function runs(path: string | undefined): boolean {
  try {
    execFileSync(path ?? '', ['-v'], { stdio: 'pipe' })
    return true
  } catch {
    return false
  }
}
