// What deploy/components/monitoring asks Prometheus for: the alert rules and the panels.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

const DIRECTORY = join(import.meta.dirname, '../../deploy/components/monitoring')

export interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: {
    readonly summary: string
    readonly description: string
    readonly runbook: string
  }
}

/** The `spec` of the PrometheusRule: what promtool calls a file of rules. */
export function ruleFile(): { groups: { name: string; rules: AlertRule[] }[] } {
  return parse(readFileSync(join(DIRECTORY, 'alerts.yaml'), 'utf8')).spec
}

export function alertRules(): AlertRule[] {
  return ruleFile().groups.flatMap(({ rules }) => rules)
}

export interface Panel {
  readonly id: number
  readonly gridPos: {
    readonly x: number
    readonly y: number
    readonly w: number
    readonly h: number
  }
  readonly title: string
  readonly description: string
  readonly targets: readonly { readonly expr: string }[]
}

/** The panels that draw something; rows are headings. */
export function dashboardPanels(): Panel[] {
  const { panels } = JSON.parse(readFileSync(join(DIRECTORY, 'dashboard.json'), 'utf8'))
  return panels.filter(({ type }: { type: string }) => type !== 'row')
}

/** The expression of a panel as Grafana sends it, all nodes chosen. */
export function asSent(expr: string): string {
  return expr.replaceAll('$node', '.*').replaceAll(/\$__(rate_interval|range)\b/g, '5m')
}
