// Rules of `compare`: what a difference to the present pipeline comes from. The form is that of
// mutations.cjs.

const COMPARE = (name) => `test/compare/${name}.test.ts`

module.exports = [
  {
    rule: 'what no cause explains is unexplained',
    file: 'src/compare/compare.ts',
    from: 'unexplained: difference - explained,',
    to: 'unexplained: 0n * (difference - explained),',
    tests: [COMPARE('planted')],
  },
  {
    rule: 'the pipeline rounds the seconds of each request down',
    file: 'src/compare/pipeline.ts',
    from: 'Math.trunc(durationMs / 1000)',
    to: 'Math.round(durationMs / 1000)',
    tests: [COMPARE('random')],
  },
  {
    rule: 'ids are taken for each meter by itself',
    file: 'src/compare/log-evidence.ts',
    from: 'before & 15',
    to: 'before & 7',
    tests: [COMPARE('planted')],
  },
  {
    rule: 'what moves into an hour leaves another',
    file: 'src/compare/log-evidence.ts',
    from: 'begunMs, kept, -1n',
    to: 'begunMs, kept, 1n',
    tests: [COMPARE('random')],
  },
  {
    rule: 'an event that comes again with other words is another request, else it is the same',
    file: 'src/compare/event-set.ts',
    from: 'if (isIn && before !== said)',
    to: 'if (isIn)',
    tests: [COMPARE('forms')],
  },
  {
    rule: 'only a value that is hard-coded explains another dimension',
    file: 'src/compare/dimension-use.ts',
    from: 'values.get(key) === literals[key]',
    to: 'key in literals',
    tests: [COMPARE('planted')],
  },
]
