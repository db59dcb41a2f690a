// The table of commands: what `--help` shows and what runs. Code of a command is loaded when it
// runs, so that `scan` does not wait for an HTTP client.

import type { CommandIo } from './command.ts'
import { displayOf } from './display.ts'
import {
  BENCH_FLAGS,
  CATALOG_FLAGS,
  COMPARE_FLAGS,
  CONFIG_FLAG,
  EXPLAIN_FLAGS,
  flag,
  oneOfText,
  RELEASE_FLAGS,
  REPLAY_FLAGS,
  SCAN_FLAGS,
  STATUS_FLAGS,
  TOP_FLAGS,
  text,
  VERIFY_FLAGS,
} from './flags.ts'
import type { CommandHelp } from './help.ts'

export interface Command extends CommandHelp {
  readonly run: (args: string[], io: CommandIo) => Promise<number>
}

export const COMMANDS: Readonly<Record<string, Command>> = {
  run: {
    usage: 'run -c FILE [--once] [--dry-run]',
    sentence: 'the agent: follows logs and delivers usage events, exactly once',
    examples: [
      'meter-fast run -c meter-fast.yaml',
      'meter-fast run -c meter-fast.yaml --once     read what is there, deliver, exit',
      'meter-fast run -c meter-fast.yaml --dry-run  print events, keep and send nothing',
    ],
    flags: {
      config: CONFIG_FLAG,
      once: flag('read to the end, close all windows, deliver, exit'),
      'dry-run': flag('state in memory, events to stdout, nothing is committed or sent'),
    },
    takesValues: true,
    run: async (args, io) => (await import('./run.ts')).run(args, io),
  },
  scan: {
    usage: 'scan FILE... [--json | --csv | --events] [FLAGS]',
    sentence: 'totals of log files, also .gz and - for stdin; needs no state',
    examples: [
      'meter-fast scan access.log access.log.1.gz',
      'meter-fast scan --json access.log > totals.json',
      'meter-fast scan --events access.log          what "run" would deliver',
    ],
    flags: SCAN_FLAGS,
    takes: 'files',
    run: async (args, io) => (await import('./scan.ts')).scan(args, io),
  },
  check: {
    usage: 'check -c FILE [--json] [--no-environment] [--online] | check --schema',
    sentence: 'every problem of a configuration, its paths and permissions, at once',
    examples: ['meter-fast check -c meter-fast.yaml', 'meter-fast check --schema > schema.json'],
    flags: {
      config: CONFIG_FLAG,
      json: flag('problems, and where each value came from, as one JSON object'),
      schema: flag('print the JSON Schema of the configuration'),
      'no-environment': flag('leave paths and permissions of this machine out'),
      online: flag('ask the sink too: reachable, TLS, credentials, its stream; nothing is stored'),
    },
    takesValues: true,
    run: async (args, io) => {
      const { check } = await import('./check.ts')
      const display = displayOf(io.stdout, io.env)
      return check(args, { ...io, display, stdout: (data) => void io.stdout.write(data) })
    },
  },
  catalog: {
    usage: 'catalog check FILE... [--against FILE] [--json] | catalog render [--out DIR]',
    sentence: 'checks the documents that publish meters, and writes those of Network Services',
    examples: [
      'meter-fast catalog check service.yaml service-configuration.yaml',
      'meter-fast catalog check new.yaml --against published.yaml',
      'meter-fast catalog render --out deploy/components/service-catalog',
    ],
    flags: CATALOG_FLAGS,
    takes: ['check', 'render'],
    run: async (args, io) => (await import('./catalog.ts')).catalog(args, io),
  },
  generate: {
    usage: 'generate [--lines N] [--projects N] [--routes N] [--seed N] [FLAGS]',
    sentence: 'a seeded synthetic log, and the truth that a scan of it must print',
    examples: [
      'meter-fast generate --lines 1000000 --seed 7 --truth truth.json > access.log',
      'meter-fast generate --envelope cri --format envoy-gateway > 0.log',
    ],
    flags: {
      lines: text('N', 'access-log lines (default 100000)'),
      projects: text('N', 'projects (default 100)'),
      routes: text('N', 'routes, each of one project (default 1000)'),
      seed: text('N', 'equal flags give equal bytes (default 1)'),
      format: oneOfText(['datum', 'envoy-gateway'], 'datum (default) or envoy-gateway'),
      envelope: oneOfText(['raw', 'cri'], 'raw (default) or cri'),
      start: text('TIME', 'time of the first line, RFC 3339 (default 2026-01-01T00:00:00Z)'),
      'per-second': text('N', 'lines a second of log time (default 1000)'),
      truth: text('FILE', 'write what "scan --json" must print'),
    },
    run: async (args, io) => (await import('./generate.ts')).generate(args, io),
  },
  release: {
    usage: 'release --state DIR',
    sentence: 'lets events go that are held: old ones of a start without state, ambiguous ones',
    examples: ['meter-fast release --state /var/lib/meter-fast'],
    flags: RELEASE_FLAGS,
    run: async (args, io) => (await import('./release.ts')).release(args, io),
  },
  status: {
    usage: 'status --state DIR [--json] [--quarantine] [--unattributed] [--gaps]',
    sentence: 'the state as numbers, also while the agent runs',
    examples: [
      'meter-fast status --state /var/lib/meter-fast',
      'meter-fast status --state /var/lib/meter-fast --unattributed',
    ],
    flags: STATUS_FLAGS,
    run: async (args, io) => (await import('./status.ts')).status(args, io),
  },
  top: {
    usage: 'top --state DIR | -c FILE [--once]',
    sentence: 'a live view: usage per project, open windows, backlog, spool',
    examples: [
      'meter-fast top --state /var/lib/meter-fast',
      'meter-fast top -c meter-fast.yaml --once     one frame, as into a pipe',
    ],
    flags: TOP_FLAGS,
    run: async (args, io) => (await import('./top.ts')).top(args, io),
  },
  replay: {
    usage: 'replay --state DIR --unattributed|--quarantined|--rejected|--accepted [FLAGS]',
    sentence: 'bills what was not billed once its cause is mended, exactly once',
    examples: [
      'meter-fast replay --state DIR --unattributed --namespaces ns-6f1c=p-abc',
      'meter-fast replay --state DIR --quarantined --reason bad_number',
      'meter-fast replay --state DIR --rejected --project p-abc',
    ],
    flags: REPLAY_FLAGS,
    run: async (args, io) => (await import('./replay.ts')).replay(args, io),
  },
  verify: {
    usage: 'verify --state DIR --logs GLOB... [--json]',
    sentence: 'recomputes from the logs and compares with the state; exit 1 on any difference',
    examples: [
      "meter-fast verify --state /var/lib/meter-fast --logs '/var/log/envoy/access*'",
      'meter-fast verify --state copy --logs logs/*.log logs/*.gz',
    ],
    flags: VERIFY_FLAGS,
    takes: 'files',
    run: async (args, io) => (await import('./verify.ts')).verify(args, io),
  },
  explain: {
    usage: 'explain --state DIR --project NAME --window TIME [--logs GLOB...] [--json]',
    sentence: 'which files, byte ranges and usage events made a number',
    examples: [
      'meter-fast explain --state /var/lib/meter-fast --project p-a --window 2026-11-22T12:00:00Z',
    ],
    flags: EXPLAIN_FLAGS,
    takes: 'files',
    run: async (args, io) => (await import('./explain.ts')).explain(args, io),
  },
  compare: {
    usage: 'compare PIPELINE OURS [--logs GLOB...] [--causes LIST] [--by-hour] [--json]',
    sentence: 'two sets of usage events: every difference by its cause; exit 1 when one has none',
    examples: [
      'meter-fast compare vector.ndjson usage.ndjson',
      "meter-fast compare vector.ndjson usage.ndjson --logs '/var/log/envoy/access*'",
    ],
    flags: COMPARE_FLAGS,
    run: async (args, io) => (await import('./compare.ts')).compare(args, io),
  },
  bench: {
    usage: 'bench [--json] [FLAGS]',
    sentence: 'throughput beside peers; answers are checked before a time is shown',
    examples: ['meter-fast bench', 'meter-fast bench --json > bench.json'],
    flags: BENCH_FLAGS,
    run: async (args, io) => (await import('./bench.ts')).bench(args, io),
  },
  demo: {
    usage: 'demo [FILE...]',
    sentence: 'the whole path without a server: a live log, an agent, a receiver, compared',
    examples: ['meter-fast demo', 'meter-fast demo access.log'],
    flags: {},
    takes: 'files',
    run: async (args, io) => (await import('./demo.ts')).demo(args, io),
  },
  completion: {
    usage: 'completion bash|zsh|fish',
    sentence: 'what your shell needs to complete commands, flags and values',
    examples: [
      'source <(meter-fast completion bash)',
      'meter-fast completion fish > ~/.config/fish/completions/meter-fast.fish',
    ],
    flags: {},
    takes: ['bash', 'zsh', 'fish'],
    run: async (args, io) => (await import('./completion.ts')).completion(args, io, COMMANDS),
  },
}
