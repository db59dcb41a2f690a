// What a pod of meter-fast may do on its node, as a pure function, so that policy.deploy.ts can
// plant a breach of each rule and prove that it is found.

import type { Manifest } from './manifests.ts'

/** The only directories of the node; only the state may be written. */
const HOST_PATHS: Readonly<Record<string, 'read' | 'write'>> = {
  '/var/log/pods': 'read',
  '/var/lib/meter-fast': 'write',
}
/** The one container that is root, and all that it may. */
const ROOT_CONTAINER = 'state-owner'
const ROOT_CAPABILITIES = ['CHOWN']

/** One sentence for each breach; none when the DaemonSet keeps all rules. */
export function policyProblems(daemonSet: Manifest): string[] {
  const { template, updateStrategy } = daemonSet['spec']
  const pod = template.spec
  const problems: string[] = []
  const must = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem)
  }
  const { maxSurge, maxUnavailable } = updateStrategy.rollingUpdate
  must(maxSurge === 0 && maxUnavailable === 1, 'two agents of one state run during an update')
  for (const name of ['hostNetwork', 'hostPID', 'hostIPC']) must(!pod[name], `it has ${name}`)
  must(pod.automountServiceAccountToken === false, 'it has a token of the Kubernetes API')
  must(pod.terminationGracePeriodSeconds >= 10, 'it is killed before it has committed')
  must(pod.securityContext?.runAsNonRoot === true, 'it may run as root')
  must(pod.securityContext?.runAsUser > 0, 'its user is root')
  must(pod.securityContext?.seccompProfile?.type === 'RuntimeDefault', 'it has no seccomp profile')
  for (const volume of pod.volumes) {
    const path = volume.hostPath?.path
    if (path !== undefined) must(path in HOST_PATHS, `it mounts ${path} of the node`)
  }
  for (const container of pod.initContainers) problems.push(...containerProblems(container, pod))
  for (const container of pod.containers) {
    problems.push(...containerProblems(container, pod), ...agentProblems(container))
  }
  return problems
}

function containerProblems(container: Manifest, pod: Manifest): string[] {
  const name = String(container['name'])
  const context = container['securityContext'] ?? {}
  const { add = [], drop = [] } = context.capabilities ?? {}
  const mayBe = name === ROOT_CONTAINER ? ROOT_CAPABILITIES : []
  const isRoot = (context.runAsUser ?? 1) === 0 || context.runAsNonRoot === false
  const [, tag] = /:([^:/]+)$/.exec(container['image']) ?? []
  const rules: readonly (readonly [boolean, string])[] = [
    [context.privileged !== true, 'is privileged'],
    [context.allowPrivilegeEscalation === false, 'may gain privileges'],
    [context.readOnlyRootFilesystem === true, 'may write its root file system'],
    [drop.includes('ALL'), 'keeps capabilities'],
    [add.every((one: string) => mayBe.includes(one)), `adds ${add}`],
    [!isRoot || name === ROOT_CONTAINER, 'runs as root'],
    [tag !== undefined && tag !== 'latest', 'has an image without a version'],
    [container['resources']?.requests?.cpu !== undefined, 'requests no CPU'],
    [container['resources']?.limits?.memory !== undefined, 'has no limit of memory'],
    [writesOnlyState(container, pod), 'may write a directory that is not the state'],
  ]
  return rules.filter(([holds]) => !holds).map(([, problem]) => `${name} ${problem}`)
}

function writesOnlyState(container: Manifest, pod: Manifest): boolean {
  return container['volumeMounts'].every((mount: Manifest) => {
    const volume = pod['volumes'].find(({ name }: Manifest['metadata']) => name === mount['name'])
    return mount['readOnly'] === true || HOST_PATHS[volume?.hostPath?.path] === 'write'
  })
}

function agentProblems(container: Manifest): string[] {
  const probes = [
    ['livenessProbe', '/healthz'],
    ['readinessProbe', '/readyz'],
  ] as const
  return probes
    .filter(([probe, path]) => container[probe]?.httpGet?.path !== path)
    .map(([probe, path]) => `${container['name']} has no ${probe} of ${path}`)
}
