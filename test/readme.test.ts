// What the README shows works as it stands: its library code runs, its configurations are accepted,
// its commands exist, its links lead somewhere.

import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ownConfiguration, yaml } from './unit/catalog-documents.ts'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const MAIN = join(ROOT, 'dist/cli/main.js')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const GOLDEN = join(ROOT, 'test/golden/plain')

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'meter-fast-readme-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function blocks(language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, 'gm')
  return [...README.matchAll(fence)].map(([, text = '']) => text)
}

function meterFast(...args: string[]): string {
  return execFileSync(process.execPath, [MAIN, ...args], { cwd: directory, encoding: 'utf8' })
}

test('the library code gives the events of the golden log', () => {
  const [code = ''] = blocks('ts')
  expect(code.trim().split('\n').length).toBeLessThanOrEqual(8)
  // Inside the package its own name resolves, as it does for who has installed it.
  const file = join(ROOT, 'dist/readme-example.mjs')
  const frame = `import { readFileSync } from 'node:fs'
const bytes = readFileSync(${JSON.stringify(`${GOLDEN}.log`)})
const send = (text) => process.stdout.write(text + '\\n')
`
  writeFileSync(file, frame + code.replace("stream: 'gateway-1'", "stream: 'scan'"))
  try {
    const events = execFileSync(process.execPath, [file], { encoding: 'utf8' })
    expect(events).toBe(readFileSync(`${GOLDEN}.events.ndjson`, 'utf8'))
  } finally {
    rmSync(file)
  }
})

test('the configuration is accepted, also with the format as a map', () => {
  const [config = '', format = '', , observe = ''] = blocks('yaml')
  const map = format.replace('format: ', '').trim()
  const mapped = config.replace('format: envoy-gateway', `format: ${map}`)
  for (const text of [config, mapped, config + observe]) {
    writeFileSync(join(directory, 'meter-fast.yaml'), text)
    const env = { ...process.env, NODE_NAME: 'node-1' }
    const args = [MAIN, 'check', '--no-environment', '-c', 'meter-fast.yaml']
    expect(execFileSync(process.execPath, args, { cwd: directory, env, encoding: 'utf8' })).toMatch(
      /\bok\b/,
    )
  }
})

test('the meters of its example are accepted, and its catalog commands work', () => {
  const [config = '', , meters = ''] = blocks('yaml')
  writeFileSync(join(directory, 'service-configuration.yaml'), yaml(ownConfiguration()))
  const own = config.replace(/^dimensions: .*$/m, 'dimensions: { model: m-1 }')
  writeFileSync(join(directory, 'own.yaml'), own + meters)
  const env = { ...process.env, NODE_NAME: 'node-1' }
  const args = [MAIN, 'check', '--no-environment', '-c', 'own.yaml']
  expect(execFileSync(process.execPath, args, { cwd: directory, env, encoding: 'utf8' })).toMatch(
    /^own\.yaml: ok: /,
  )
  meterFast('catalog', 'render', '--out', 'component')
  const files = ['component/service.yaml', 'component/service-configuration.yaml']
  expect(meterFast('catalog', 'check', ...files, '--against', files[1] ?? '')).toMatch(/: ok\n$/)
})

test('the scan commands print what they say', () => {
  writeFileSync(join(directory, 'access.log'), readFileSync(`${GOLDEN}.log`))
  expect(meterFast('scan', 'access.log')).toContain('200 lines read')
  expect(JSON.parse(meterFast('scan', '--json', 'access.log')).lines.metered).toBe(200)
  expect(meterFast('scan', '--events', 'access.log')).toContain('"specversion":"1.0"')
})

test('every command that is named exists, and every script', () => {
  const help = meterFast('--help')
  for (const [, name = ''] of README.matchAll(/meter-fast ([a-z]+) /g)) {
    if (existsSync(join(ROOT, `src/cli/${name}.ts`))) expect(help).toContain(`  ${name} `)
  }
  const scripts = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')).scripts
  for (const [, name = ''] of README.matchAll(/npm run ([a-z0-9:-]+)/g)) {
    expect(Object.keys(scripts)).toContain(name)
  }
  const table = [...README.matchAll(/^\| `([a-z]+)[ `]/gm)].map(([, name]) => name ?? '')
  for (const name of table) expect(help).toContain(`  ${name} `)
})

test('every link leads to a file', () => {
  for (const [, target = ''] of README.matchAll(/\]\(([\w./-]+)\)/g)) {
    expect(existsSync(join(ROOT, target)), target).toBe(true)
  }
})
