// The Kustomize component that publishes Network Services, as files.

import { stringify } from 'yaml'
import { NETWORK_SERVICE, NETWORK_SERVICE_CONFIGURATION } from './network-services-manifests.ts'

const HEAD = '# Made by "meter-fast catalog render"; a test compares them.\n'
const DOCUMENTS = {
  'service.yaml': NETWORK_SERVICE,
  'service-configuration.yaml': NETWORK_SERVICE_CONFIGURATION,
}
const KUSTOMIZATION = {
  apiVersion: 'kustomize.config.k8s.io/v1alpha1',
  kind: 'Component',
  resources: Object.keys(DOCUMENTS),
}

/** The files of the component by name; equal bytes on every call. */
export function componentFiles(): ReadonlyMap<string, string> {
  const objects = { 'kustomization.yaml': KUSTOMIZATION, ...DOCUMENTS }
  return new Map(Object.entries(objects).map(([name, object]) => [name, HEAD + yaml(object)]))
}

/** Both documents as one stream, as `kubectl apply -f -` takes them. */
export function componentDocuments(): string {
  return Object.values(DOCUMENTS).map(yaml).join('---\n')
}

// Without anchors: repeated lists are written out, as people would.
function yaml(object: object): string {
  return stringify(object, { aliasDuplicateObjects: false, lineWidth: 100 })
}
