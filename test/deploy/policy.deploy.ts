// The pods keep to the least that metering needs: no privileges, nothing writable but the state.

import { expect, test } from 'vitest'
import { DEPLOYABLE, type Manifest, only, render } from './manifests.ts'
import { policyProblems } from './policy.ts'

test.each(DEPLOYABLE)('%s keeps every rule', async (directory) => {
  expect(policyProblems(only(await render(directory), 'DaemonSet'))).toEqual([])
})

test('pods have no way in but the metrics, and none out but names and the sink', async () => {
  const { spec } = only(await render('base'), 'NetworkPolicy')
  expect(spec.policyTypes).toEqual(['Ingress', 'Egress'])
  expect(spec.ingress.flatMap(({ ports }: Manifest) => ports)).toEqual([
    { protocol: 'TCP', port: 'metrics' },
  ])
  expect(spec.egress.flatMap(({ ports }: Manifest) => ports)).toEqual([
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ])
})

test('the service account has no token', async () => {
  expect(only(await render('base'), 'ServiceAccount')['automountServiceAccountToken']).toBe(false)
})

const agent = (pod: Manifest) => pod['containers'][0]
const owner = (pod: Manifest) => pod['initContainers'][0]

test.each<[string, (pod: Manifest) => void]>([
  ['meter-fast is privileged', (pod) => Object.assign(agent(pod).securityContext, PRIVILEGED)],
  ['meter-fast may gain privileges', (pod) => remove(agent(pod), 'allowPrivilegeEscalation')],
  [
    'meter-fast may write its root file system',
    (pod) => remove(agent(pod), 'readOnlyRootFilesystem'),
  ],
  ['meter-fast keeps capabilities', (pod) => remove(agent(pod), 'capabilities')],
  [
    'meter-fast adds CHOWN',
    (pod) => Object.assign(agent(pod).securityContext.capabilities, { add: ['CHOWN'] }),
  ],
  [
    'state-owner adds CHOWN,SYS_ADMIN',
    (pod) => owner(pod).securityContext.capabilities.add.push('SYS_ADMIN'),
  ],
  ['meter-fast runs as root', (pod) => Object.assign(agent(pod).securityContext, { runAsUser: 0 })],
  [
    'meter-fast has an image without a version',
    (pod) => Object.assign(agent(pod), { image: 'registry.example:5000/meter-fast' }),
  ],
  ['meter-fast requests no CPU', (pod) => Reflect.deleteProperty(agent(pod).resources, 'requests')],
  [
    'meter-fast has no limit of memory',
    (pod) => Reflect.deleteProperty(agent(pod).resources, 'limits'),
  ],
  [
    'meter-fast may write a directory that is not the state',
    (pod) => Reflect.deleteProperty(agent(pod).volumeMounts[1], 'readOnly'),
  ],
  [
    'meter-fast has no readinessProbe of /readyz',
    (pod) => Reflect.deleteProperty(agent(pod), 'readinessProbe'),
  ],
  ['it has hostNetwork', (pod) => Object.assign(pod, { hostNetwork: true })],
  [
    'it has a token of the Kubernetes API',
    (pod) => Reflect.deleteProperty(pod, 'automountServiceAccountToken'),
  ],
  [
    'it is killed before it has committed',
    (pod) => Object.assign(pod, { terminationGracePeriodSeconds: 1 }),
  ],
  ['it may run as root', (pod) => Reflect.deleteProperty(pod['securityContext'], 'runAsNonRoot')],
  [
    'it has no seccomp profile',
    (pod) => Reflect.deleteProperty(pod['securityContext'], 'seccompProfile'),
  ],
  [
    'it mounts / of the node',
    (pod) => pod['volumes'].push({ name: 'root', hostPath: { path: '/' } }),
  ],
])('a breach is found: %s', async (expected, breach) => {
  const daemonSet = only(await render('base'), 'DaemonSet')
  breach(daemonSet['spec'].template.spec)
  expect(policyProblems(daemonSet)).toEqual([expected])
})

test('a breach is found: an update that starts the new agent first', async () => {
  const daemonSet = only(await render('base'), 'DaemonSet')
  daemonSet['spec'].updateStrategy.rollingUpdate = { maxSurge: 1, maxUnavailable: 0 }
  expect(policyProblems(daemonSet)).toEqual(['two agents of one state run during an update'])
})

const PRIVILEGED = { privileged: true }

function remove(container: Manifest, key: string): void {
  Reflect.deleteProperty(container['securityContext'], key)
}
