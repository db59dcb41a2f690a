// What deploy/access-log uses of the API of Envoy Gateway (gateway.envoyproxy.io/v1alpha1), written
// from its documentation: no package has types of it. The fields that other people need are left
// out, so a field that is not here is refused even where Envoy Gateway knows it.

interface Metadata {
  name: string
  namespace: string
}

interface AccessLogSetting {
  type: 'Listener' | 'Route'
  format: { type: 'JSON'; json: Record<string, string> }
  sinks: { type: 'File'; file: { path: string } }[]
}

export interface IEnvoyProxy {
  apiVersion: 'gateway.envoyproxy.io/v1alpha1'
  kind: 'EnvoyProxy'
  metadata: Metadata
  spec: {
    extraArgs?: string[]
    telemetry: { accessLog: { settings: AccessLogSetting[] } }
  }
}

export interface IEnvoyPatchPolicy {
  apiVersion: 'gateway.envoyproxy.io/v1alpha1'
  kind: 'EnvoyPatchPolicy'
  metadata: Metadata
  spec: {
    targetRef: {
      group: 'gateway.networking.k8s.io'
      kind: 'Gateway' | 'GatewayClass'
      name: string
    }
    type: 'JSONPatch'
    jsonPatches: {
      type: 'type.googleapis.com/envoy.config.listener.v3.Listener'
      name: string
      operation: { op: 'add' | 'remove' | 'replace'; path: string; value?: object }
    }[]
  }
}
