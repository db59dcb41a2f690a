// What kubectl renders of deploy/ is what the API server takes: known kinds, known fields, right
// types; and what must agree between objects does.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { typeProblems, valueProblems } from './api-types.ts'
import { DEPLOY, DEPLOYABLE, type Manifest, manifestsIn, only, render } from './manifests.ts'

/** A manifest of base, changed as `change` says. */
async function changed(kind: string, change: (manifest: Manifest) => void): Promise<string[]> {
  const manifest = only(await render('base'), kind, 'meter-fast')
  change(manifest)
  return typeProblems([manifest])
}

const containerOf = (manifest: Manifest) => manifest['spec'].template.spec.containers[0]

describe.each(DEPLOYABLE)('%s', (directory) => {
  test('renders to objects of the Kubernetes API without an unknown field', async () => {
    const manifests = await render(directory)
    expect(manifests.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['Namespace', 'ServiceAccount', 'ConfigMap', 'DaemonSet']),
    )
    expect(await typeProblems(manifests)).toEqual([])
    expect(valueProblems(manifests)).toEqual([])
  })

  test('has all of it in one namespace, which it makes', async () => {
    const manifests = await render(directory)
    const { name } = only(manifests, 'Namespace').metadata
    const others = manifests.filter(({ kind }) => kind !== 'Namespace')
    expect(new Set(others.map(({ metadata }) => metadata.namespace))).toEqual(new Set([name]))
  })

  test('mounts the ConfigMaps that it makes, by the names with their hashes', async () => {
    const manifests = await render(directory)
    const made = manifests.filter(({ kind }) => kind === 'ConfigMap')
    const { volumes, containers } = only(manifests, 'DaemonSet')['spec'].template.spec
    const used = [
      ...volumes.flatMap((volume: Manifest) => volume['configMap']?.name ?? []),
      ...containers.flatMap(({ envFrom = [] }: Manifest) =>
        envFrom.map((from: Manifest) => from['configMapRef'].name),
      ),
    ]
    const hashed = made.map(({ metadata }) => metadata.name).filter((name) => /-\w{10}$/.test(name))
    expect(used.sort()).toEqual(hashed.sort())
  })

  test('selects its own pods, everywhere', async () => {
    const manifests = await render(directory)
    const { selector, template } = only(manifests, 'DaemonSet')['spec']
    const { labels } = template.metadata
    const monitors = manifests.filter(({ kind }) => kind === 'PodMonitor')
    const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy')
    const selectors = [
      selector,
      ...monitors.map((monitor) => monitor['spec'].selector),
      ...policies.map((policy) => policy['spec'].podSelector),
    ]
    for (const { matchLabels = {} } of selectors) expect(labels).toMatchObject(matchLabels)
    expect(labels['app.kubernetes.io/name']).toBe('meter-fast')
  })
})

test('overlays take usage somewhere: a policy lets the pods out to the sink', async () => {
  for (const directory of DEPLOYABLE.slice(1)) {
    const policy = only(await render(directory), 'NetworkPolicy', 'meter-fast-to-sink')
    expect(policy['spec'].egress, directory).toHaveLength(1)
  }
})

test('the series of a node go on when its pod is replaced', async () => {
  const monitor = only(await render('overlays/datum'), 'PodMonitor')
  const { relabelings } = monitor['spec'].podMetricsEndpoints[0]
  const targets = relabelings.map(({ targetLabel }: { targetLabel?: string }) => targetLabel)
  expect(targets).toEqual(['node', 'instance', undefined])
  // Besides these the operator gives a target labels of its pod.
  const dropped = new RegExp(`^(?:${relabelings[2].regex})$`)
  const labels = ['pod', 'container', 'endpoint', 'node', 'job', 'namespace']
  expect(labels.filter((label) => !dropped.test(label))).toEqual(['node', 'job', 'namespace'])
})

test('the templates of the access log are objects of Envoy Gateway', async () => {
  const patch = manifestsIn(readFileSync(`${DEPLOY}access-log/long-streams.yaml`, 'utf8'))
  const manifests = [...(await render('access-log')), ...patch]
  expect(manifests.map(({ kind }) => kind)).toEqual(['EnvoyProxy', 'EnvoyPatchPolicy'])
  expect(await typeProblems(manifests)).toEqual([])
})

describe('the check finds', () => {
  test.each<[string, string, (manifest: Manifest) => void, RegExp]>([
    [
      'an unknown field of a container',
      'DaemonSet',
      (set) => Object.assign(containerOf(set), { readOnlyRootFileSystem: true }),
      /DaemonSet meter-fast: .*readOnlyRootFileSystem/,
    ],
    [
      'a wrong type',
      'DaemonSet',
      (set) => Object.assign(containerOf(set).securityContext, { readOnlyRootFilesystem: 'yes' }),
      /DaemonSet meter-fast: .*'string' is not assignable to type 'boolean/,
    ],
    [
      'a missing field',
      'DaemonSet',
      (set) => Reflect.deleteProperty(containerOf(set), 'name'),
      /DaemonSet meter-fast: .*"name.*is missing/,
    ],
    [
      'an unknown field of a NetworkPolicy',
      'NetworkPolicy',
      (policy) => Object.assign(policy['spec'].egress[0], { port: 53 }),
      /NetworkPolicy meter-fast: .*"port"' does not exist/,
    ],
    [
      'a number among labels',
      'Namespace',
      (namespace) => Object.assign(namespace.metadata, { labels: { a: 1 } }),
      /Namespace meter-fast: .*'number' is not assignable/,
    ],
    [
      'a kind that no API group has',
      'ServiceAccount',
      (account) => Object.assign(account, { kind: 'ServiceAcount' }),
      /IServiceAcount/,
    ],
  ])('%s', async (_, kind, change, expected) => {
    expect((await changed(kind, change)).join('\n')).toMatch(expected)
  })

  test('a value that is none', async () => {
    const monitor = only(await render('overlays/datum'), 'PodMonitor')
    monitor['spec'].podMetricsEndpoints[0].interval = 'soon'
    expect(await typeProblems([monitor])).toEqual([])
    expect(valueProblems([monitor]).join()).toMatch(/PodMonitor meter-fast: .*interval must match/)
  })

  test('an unknown field of a PodMonitor and of a rule', async () => {
    const manifests = await render('overlays/datum')
    only(manifests, 'PodMonitor')['spec'].podMetricsEndpoints[0].prot = 'metrics'
    only(manifests, 'PrometheusRule')['spec'].groups[0].rules[0].fro = '5m'
    const problems = await typeProblems(manifests)
    expect(problems).toHaveLength(2)
    expect(problems.join('\n')).toMatch(/'"prot"'[\s\S]*'"fro"'/)
  })
})
