// The DuckDB peer: `read_json` and GROUP BY on one thread, which is its best per CPU-second. Its
// package lies beside the sources of the benchmark, so that an install of meter-fast stays light.
//
// It reads the lines of synthetic logs. It takes any text of a number for one, and the last of two
// equal keys: on hostile lines it has no verdict that could be compared.

import { createRequire } from 'node:module'
import { Totals } from './node-json-totals.ts'

/** As much of @duckdb/node-api as is used here. */
interface Duckdb {
  readonly DuckDBInstance: {
    create(
      path: string,
      settings: Readonly<Record<string, string>>,
    ): Promise<{
      connect(): Promise<{
        runAndReadAll(sql: string, values: unknown[]): Promise<{ getRows(): unknown[][] }>
      }>
    }>
  }
}

type Group = [string | null, string | null, bigint, bigint, bigint, bigint, bigint]

const SQL = `
  SELECT project, route_name, count(*),
    coalesce(sum(bytes_sent), 0), coalesce(sum(bytes_received), 0),
    coalesce(sum(duration), 0), coalesce(sum(duration // 1000), 0)
  FROM (
    SELECT *, PROJECT AS project FROM read_json($1, format = 'newline_delimited', columns = {
      project_name: 'VARCHAR', route_name: 'VARCHAR', bytes_sent: 'UBIGINT',
      bytes_received: 'UBIGINT', duration: 'UBIGINT' })
  )
  GROUP BY ALL`

const PROJECTS: Readonly<Record<string, string>> = {
  datum: 'project_name',
  // The namespace of a route that is `kind/namespace/...`.
  'envoy-gateway': "nullif(split_part(route_name, '/', 2), '')",
}

async function run(format: string, path: string): Promise<void> {
  const require = createRequire(new URL('../../../bench/duckdb/package.json', import.meta.url))
  const { DuckDBInstance } = require('@duckdb/node-api') as Duckdb
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  const sql = SQL.replace('PROJECT', PROJECTS[format] ?? '')
  const reader = await connection.runAndReadAll(sql, [path])
  const totals = new Totals()
  for (const row of reader.getRows()) {
    const [project, route, requests, ...sums] = row as Group
    const lines = Number(requests)
    if (project !== null) totals.addGroup(project, route, lines, [requests, ...sums])
    else totals.unattributed(route === null ? 'no_route' : 'no_project', lines)
  }
  process.stdout.write(`${JSON.stringify(totals.report())}\n`)
}

const [format, path] = process.argv.slice(2)
if (format === undefined || path === undefined) throw new Error('usage: duckdb FORMAT FILE')
await run(format, path)
