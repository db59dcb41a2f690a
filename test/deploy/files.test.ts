// The files of deploy/ agree with the product: its configuration, its version, its
// documents. What needs kubectl or promtool is in `npm run test:deploy`.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { FIELDS } from '../../src/config/fields.ts'
import { load } from '../unit/config-file.ts'
import { alertRules, dashboardPanels } from './observed.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
const CONFIGS = [
  'base',
  ...readdirSync(join(ROOT, 'deploy/overlays')).map((name) => `overlays/${name}`),
]

describe.each(CONFIGS)('the configuration of %s', (directory) => {
  const text = read(`deploy/${directory}/meter-fast.yaml`)
  const warnings: string[] = []
  const config = load(text, {
    env: { REGION: 'eu-west-1' },
    onWarning: (one) => warnings.push(one),
  })

  test('is accepted', () => {
    expect(config.streams).toHaveLength(1)
    expect(config.state.dir).toBe('/var/lib/meter-fast')
    expect(config.observe.listen).toBe('0.0.0.0:9464')
  })

  test('warns of nothing but dimensions that only the platform knows', () => {
    for (const warning of warnings) expect(warning).toMatch(/dimension/)
  })
})

test('base bills nobody: its sink is a file of the node', () => {
  expect(load(read('deploy/base/meter-fast.yaml')).sink.type).toBe('file')
})

test('the image has the version of the package', () => {
  const { images } = parse(read('deploy/base/kustomization.yaml'))
  expect(images[0].newTag).toBe(JSON.parse(read('package.json')).version)
})

describe('the Dockerfile', () => {
  const dockerfile = read('deploy/Dockerfile')
  const daemonSet = read('deploy/base/daemon-set.yaml')
  const { template } = parse(daemonSet).spec
  const [agent] = template.spec.containers

  test('runs as the user and group of the DaemonSet, from a pinned base', () => {
    const { runAsUser, runAsGroup } = template.spec.securityContext
    expect(dockerfile).toContain(`USER ${runAsUser}:${runAsGroup}\n`)
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)
    expect(bases).toHaveLength(2)
    for (const image of bases) expect(image).toMatch(/:(?!latest)[\w-]+$/)
    expect(bases[1]).toMatch(/distroless/)
  })

  test('names the directories that the DaemonSet mounts, by flags that exist', () => {
    const mounts = agent.volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath)
    const set = Object.fromEntries(
      [...dockerfile.matchAll(/(METER_FAST_\w+)=(\S+)/g)].map(([, name, value]) => [name, value]),
    )
    expect(set).toEqual({
      METER_FAST_CONFIG: '/etc/meter-fast/meter-fast.yaml',
      METER_FAST_STATE: '/var/lib/meter-fast',
    })
    expect(mounts).toEqual(['/etc/meter-fast', '/var/log/pods', '/var/lib/meter-fast'])
    expect(FIELDS.find(({ path }) => path === 'state.dir')?.default).toBe(set['METER_FAST_STATE'])
  })

  test('has the ports of the configuration', () => {
    expect(dockerfile).toContain('EXPOSE 9464\n')
    expect(agent.ports).toEqual([{ name: 'metrics', containerPort: 9464, protocol: 'TCP' }])
  })

  test('gets every file that it copies past its .dockerignore', () => {
    const kept = read('deploy/Dockerfile.dockerignore').match(/^!.*$/gm) ?? []
    const [, copied = ''] = /^COPY (package\.json .*) \.\/$/m.exec(dockerfile) ?? []
    for (const name of copied.split(' ')) expect(kept).toContain(`!${name}`)
    for (const name of kept) expect(readdirSync(ROOT)).toContain(name.slice(1))
  })
})

describe('alerts', () => {
  test.each(alertRules().map((rule) => [rule.alert, rule] as const))('%s', (_, rule) => {
    expect(rule.labels.severity).toMatch(/^(warning|critical)$/)
    expect(Object.keys(rule.annotations)).toEqual(['summary', 'description', 'runbook'])
    // A runbook is a heading of the document, under which the alert is named.
    const [path = '', anchor = ''] = rule.annotations.runbook.split('#')
    const [, section = ''] =
      read(path)
        .split(/^### /m)
        .map((text) => [/.*/.exec(text)?.[0].toLowerCase().replaceAll(' ', '-'), text] as const)
        .find(([heading]) => heading === anchor) ?? []
    expect(section, `${path} names ${rule.alert} under #${anchor}`).toContain(rule.alert)
  })

  test('none is on what only scanners do', () => {
    expect(alertRules().filter(({ expr }) => /no_route/.test(expr))).toEqual([])
  })
})

test('the panels of the dashboard lie beside each other, each with an id of its own', () => {
  const panels = dashboardPanels()
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const taken = new Map<string, string>()
  for (const { title, gridPos } of panels) {
    expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
    for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        expect(taken.get(`${x} ${y}`), title).toBeUndefined()
        taken.set(`${x} ${y}`, title)
      }
    }
  }
})
