// Rules that must not be broken, where they are kept, and the tests that notice. run.cjs breaks one
// at a time. `only` narrows a test file to the tests of that name; `config` is for those that a
// plain run leaves out.

const AGENT = (name) => `test/agent/${name}.test.ts`
const UNIT = (name) => `test/unit/${name}.test.ts`

module.exports = [
  // What is durable before it is used.
  {
    rule: 'a commit is durable before it is seen: no commit without a sync',
    file: 'src/durable/lmdb-backend.ts',
    from: 'overlappingSync: false,',
    to: 'overlappingSync: false,\n      noSync: true,',
    tests: ['test/power-loss/power-loss.power.ts'],
    config: 'test/power-loss/vitest.config.ts',
  },
  {
    rule: 'no event is sent before the commit that holds it and its attempt',
    file: 'src/agent-outbox.ts',
    from: 'if (this.#attempt()) await this.#commit()',
    to: 'if (this.#attempt()) void this.#commit()',
    tests: [AGENT('durable-first')],
  },
  {
    rule: 'an attempt is recorded',
    file: 'src/durable/spool.ts',
    from: 'const attempts = entry.attempts + 1',
    to: 'const attempts = entry.attempts',
    tests: [UNIT('durable-spool'), AGENT('durable-first')],
  },
  {
    rule: 'an acceptance asks for its commit, also when no line follows',
    file: 'src/agent-outbox.ts',
    from: '    void this.#commit()\n',
    to: '',
    tests: ['test/crash/acceptance.crash.ts'],
    config: 'test/crash/vitest.config.ts',
  },
  {
    rule: 'a failed write is fatal for the open store, never tried again',
    file: 'src/durable/staged-store.ts',
    from: 'throw this.#failure\n    }\n    this.#layers.shift()',
    to: 'this.#failure = undefined\n      throw cause\n    }\n    this.#layers.shift()',
    tests: [UNIT('durable-disk'), UNIT('durable-crash')],
  },
  {
    rule: 'one writer per state',
    file: 'src/durable/directory.ts',
    from: 'if (handle === null) {',
    to: 'if (handle === undefined) {',
    tests: [UNIT('durable-disk')],
    only: 'a second writer',
  },
  {
    rule: 'a value of the state is believed only with its checksum',
    file: 'src/durable/frame.ts',
    from: 'if (!isZero || header.readUInt32LE(4) !== checksum) throw',
    to: 'if (!isZero || checksum < 0) throw',
    tests: [UNIT('durable-disk')],
    only: 'damage',
  },

  // Positions, totals and what is carried.
  {
    rule: 'open totals are in the commit of their position',
    file: 'src/agent-staging.ts',
    from: '    putStreamPage(store, name, page)\n',
    to: "    if (!page.name.startsWith('mt')) putStreamPage(store, name, page)\n",
    tests: [AGENT('stream-property')],
  },
  {
    rule: 'a closed segment is in the commit of its position',
    file: 'src/agent-staging.ts',
    from: '  putSegment(store, number, head)\n',
    to: '',
    tests: [AGENT('stream-property'), AGENT('closing')],
  },
  {
    rule: 'milliseconds below a second are carried on',
    file: 'native/aggregate/usage_table.cc',
    from: 'rows_[id].carry_ms = carry_ms;',
    to: 'rows_[id].carry_ms = 0;',
    tests: ['test/differential/oracle-agrees.test.ts'],
  },
  {
    rule: 'a carry that changed is in the next snapshot',
    file: 'native/aggregate/usage_table.cc',
    from: '      pages_[id / kPageKeys].carries_changed = true;\n',
    to: '',
    tests: ['test/differential/oracle-agrees.test.ts', AGENT('stream-property')],
  },
  {
    rule: 'no part number is used twice in a window',
    file: 'native/aggregate/stream_meter.cc',
    from: '  ++part_;\n  part_counts_ = OutcomeCounts{};',
    to: '  part_counts_ = OutcomeCounts{};',
    tests: [UNIT('clock-parts'), AGENT('closing')],
  },
  {
    rule: 'what a long request has reported is known to its next record',
    file: 'native/aggregate/stream_meter.cc',
    from: 'long_streams_.keep(identity_, now, window_.window_start_ms());',
    to: '',
    tests: [UNIT('long-streams')],
  },
  {
    rule: 'a P part is carried into the next generation',
    file: 'src/agent-stream.ts',
    from: '    await this.#engine.endGeneration()\n    this.#take()',
    to: '    await this.#engine.endGeneration()\n    await this.#engine.endStream()',
    tests: [AGENT('rotation-parts'), AGENT('files')],
  },

  // Windows and ids.
  {
    rule: 'a window closes by time only when all was read',
    file: 'src/agent-stream.ts',
    from: ' || !this.#follower.caughtUp) return',
    to: ') return',
    tests: [AGENT('closing')],
  },
  {
    rule: 'a stop closes nothing',
    file: 'src/agent-run.ts',
    from: '    if (signal.aborted) return\n    await this.#streams.closeNow()',
    to: '    await this.#streams.closeNow()',
    tests: [AGENT('closing')],
  },
  {
    rule: 'the wall clock is never part of an id',
    file: 'src/emit/event-id.ts',
    from: 'writeBase32(timeMs, 0, 10)',
    to: 'writeBase32(Date.now(), 0, 10)',
    tests: [UNIT('emit-event-id')],
  },
  {
    rule: 'keys that render equal are one event',
    file: 'src/emit/drafts.ts',
    from: '      for (; end < this.#size; end += 1) {',
    to: '      for (; end < from; end += 1) {',
    tests: [UNIT('emit-render')],
  },
  {
    rule: 'an event of the future waits for its time',
    file: 'src/durable/spool.ts',
    from: 'return timeMs <= nowMs + FUTURE_MAX_MS',
    to: 'return timeMs <= nowMs + FUTURE_MAX_MS * 1e6',
    tests: [UNIT('durable-spool'), AGENT('closing')],
  },
  {
    rule: 'old windows of a start without a state are held',
    file: 'src/agent-render.ts',
    from: 'const held = !isReplay &&',
    to: 'const held = isReplay &&',
    tests: [AGENT('state')],
  },

  // The sink.
  {
    rule: 'an event leaves the spool only by acceptance or with a record of its refusal',
    file: 'src/durable/spool.ts',
    from: '      putRejected(this.#store, { ...event, reason, rejectedAtMs: atMs, piece })\n',
    to: '',
    tests: [UNIT('durable-spool')],
  },
  {
    rule: 'events of which an answer says nothing stay in the spool',
    file: 'src/durable/spool.ts',
    from: 'const again = left.length > 0 ?',
    to: 'const again = left.length > 1e9 ?',
    tests: [UNIT('durable-spool')],
  },
  {
    rule: 'a 2xx that counts fewer events than were sent is no acceptance',
    file: 'src/deliver/gateway-answer.ts',
    from: "accepted === batch.ids.length ? 'accepted' : 'ambiguous'",
    to: "accepted !== undefined ? 'accepted' : 'ambiguous'",
    tests: [UNIT('deliver-gateway'), UNIT('deliver-sender')],
  },
  {
    rule: 'a 207 whose numbers do not add up is no acceptance',
    file: 'src/deliver/gateway-answer.ts',
    from: 'if (!adds) return',
    to: 'if (rejections.length === 0) return',
    tests: [UNIT('deliver-gateway'), UNIT('deliver-sender')],
  },
  {
    rule: 'while nothing is accepted, nothing is quarantined',
    file: 'src/deliver/bisection.ts',
    from: 'const isDue = piece.blamed || piece.ids.length > 1',
    to: 'const isDue = true',
    tests: [UNIT('deliver-sender')],
  },
  {
    rule: 'an ambiguous batch older than the dedup window is held when the config says so',
    file: 'src/agent-run.ts',
    from: "const mayResend = ambiguousPolicy !== 'hold' || lastAttemptAtMs >= rememberedMs",
    to: 'const mayResend = true || lastAttemptAtMs >= rememberedMs || ambiguousPolicy',
    tests: [AGENT('ambiguous')],
  },

  // Files.
  {
    rule: 'a file that shrank is never read again from 0',
    file: 'src/tail/identity.ts',
    from: "return { kind: proven ? 'shrunk' : 'truncated', generation }",
    to: "return { kind: 'truncated', generation }",
    tests: [UNIT('tail-power-loss'), UNIT('tail-identity')],
  },
  {
    rule: 'the same inode is not the same file',
    file: 'src/tail/identity.ts',
    from: 'if (proven && !provesSame(known, head) && !provesCut(known, head)) {',
    to: 'if (proven && head.length > 1e9) {',
    tests: [UNIT('tail-identity'), UNIT('tail-follow')],
  },
  {
    rule: 'what a rotation is still writing is not read',
    file: 'src/tail/listing.ts',
    from: '    if (isTemporary(name)) continue\n',
    to: '',
    tests: [UNIT('tail-follow')],
  },
  {
    rule: 'a generation is finished only when nothing can be written to it',
    file: 'src/tail/follow.ts',
    from: '    if (!one.settled && !one.file.compressed) return false\n',
    to: '',
    tests: [UNIT('tail-follow')],
  },
  {
    rule: 'a gap is in the state',
    file: 'src/agent-staging.ts',
    from: "    putJson(store, gapKey(takeNumber(store, 'gap')), { ...gap, atMs: nowMs })\n",
    to: '',
    tests: [AGENT('files')],
  },

  // What is not billed.
  {
    rule: 'a quarantined line is kept',
    file: 'src/agent-staging.ts',
    from: '    putQuarantine(store, at, lines, staging.quarantineBytesMax)\n',
    to: '',
    tests: [AGENT('kept-lines')],
  },
  {
    rule: 'unattributed usage is kept',
    file: 'src/agent-staging.ts',
    from: '    putUnattributed(store, name, index, page)\n',
    to: '',
    tests: [AGENT('kept-lines')],
  },
  {
    rule: 'replayed usage is no longer unattributed',
    file: 'src/agent-replay-usage.ts',
    from: '      else billed.push(usage)\n',
    to: '      else billed.push(usage)\n      if (usage !== undefined) rows.push(row)\n',
    tests: [AGENT('replay')],
  },
  {
    rule: 'a ledger row that is forgotten is in the sums of its day',
    file: 'src/agent-retention.ts',
    from: '    addToDay(store, row)\n',
    to: '',
    tests: [AGENT('retention')],
  },

  // What is seen from outside.
  {
    rule: 'usage sums are committed with what they count',
    file: 'src/agent-run.ts',
    from: '    this.#counters.usage.stage()\n',
    to: '    setImmediate(() => this.#counters.usage.stage())\n',
    tests: [AGENT('observe-usage')],
  },
  {
    rule: 'what the sink refuses is not counted as accepted usage',
    file: 'src/agent-outbox.ts',
    from: "else if (rejectedIds.has(id)) this.#count('rejected', usage)",
    to: "else if (rejectedIds.has(id)) this.#count('accepted', usage)",
    tests: [AGENT('observe-usage')],
  },
  {
    rule: 'counters of the state are told from the start on',
    file: 'src/agent-run.ts',
    from: '    this.#pictures.beforeCommit()()\n',
    to: '',
    tests: [AGENT('observe')],
  },
  {
    rule: 'waiting for the state of another is ready for a minute, no longer',
    file: 'src/observe/health.ts',
    from: 'seconds * 1000 < WAITING_READY_MS',
    to: 'seconds * 1000 <= WAITING_READY_MS',
    tests: [UNIT('observe-health')],
  },
  {
    rule: 'a full spool is not ready',
    file: 'src/observe/health.ts',
    from: "    if (this.#look?.isSpoolFull) return no('the spool is full: nothing is read')\n",
    to: '',
    tests: [AGENT('observe'), UNIT('observe-health')],
  },
  {
    rule: 'buckets are cumulative',
    file: 'src/observe/histogram.ts',
    from: 'below += count',
    to: 'below = count',
    tests: [UNIT('observe-text')],
  },
  {
    rule: 'a server cannot make series without end by its status',
    file: 'src/observe/metrics.ts',
    from: "status >= 100 && status < 600 ? String(status) : 'other'",
    to: 'String(status)',
    tests: [UNIT('observe-text')],
  },
  {
    rule: 'nothing but GET and HEAD is answered',
    file: 'src/observe/server.ts',
    from: "if (method !== 'GET' && method !== 'HEAD')",
    to: "if (method === 'PUT')",
    tests: [UNIT('observe-server')],
  },
  {
    rule: 'an idle agent has no timer for the gap of its loop',
    file: 'src/observe/loop-gap.ts',
    from: '    clearTimeout(this.#timer)\n',
    to: '',
    tests: [UNIT('observe-loop-gap')],
  },
]
