// Records of docker's json-file log driver (DESIGN 4.1, 4.4): what is one, how parts are joined,
// and what is found by `auto`. Every call also asks the oracle.

import { describe, expect, test } from 'vitest'
import { Meter } from '../../src/meter.ts'
import { cri, file, line, metered, NOON_MS, outcomes } from './metering.ts'

const TIME = '2026-11-02T12:00:01.5Z'

interface DockerRecord {
  readonly log: unknown
  readonly stream?: unknown
  readonly time?: unknown
}

/** A record as docker writes it; `log` needs its LF. Characters are bytes, as in `file`. */
function record({ log, stream = 'stdout', time = TIME }: DockerRecord): string {
  return Buffer.from(JSON.stringify({ log, stream, time })).toString('latin1')
}

const docker = (content: string, stream = 'stdout') => record({ log: `${content}\n`, stream })
const part = (log: string, stream = 'stdout') => record({ log, stream })

const DOCKER = { envelope: 'docker' } as const

describe('a record', () => {
  test('holds a line, escaped once more, and its time', () => {
    const odd = line({ user_agent: 'a"b\\c\n\u0001é😀' })
    expect(outcomes([docker(line()), docker(odd)], DOCKER)).toEqual({ metered: 2 })
    const clockless = docker(line({ start_time: null }))
    const { segments } = metered([clockless], DOCKER)
    expect(segments.map(({ windowStartMs }) => windowStartMs)).toEqual([NOON_MS])
  })

  test('may have more keys, white space, escaped keys, any order and a CR behind it', () => {
    const log = JSON.stringify(`${line()}\n`)
    const records = [
      `{"attrs":{"log":"x"},"log":${log},"stream":"stdout","time":"${TIME}"}`,
      ` { "time" : "" ,\t"stream" : "stdout" , "log" : ${log} } `,
      `{"\\u006cog":${log},"stream":"std\\u006fut","time":"soon"}\r`,
    ]
    expect(outcomes(records, DOCKER)).toEqual({ metered: 3 })
  })

  test('of stderr is ignored, whatever is in it', () => {
    const all = [docker('[info] x', 'stderr'), docker(line(), 'stderr'), docker(line())]
    expect(outcomes(all, DOCKER)).toEqual({ metered: 1, 'ignored.stderr': 2 })
  })

  test('may hold nothing, or another logger’s text; an empty physical line is blank', () => {
    const all = [docker(''), docker(' \r'), '', docker('starting'), docker(line())]
    expect(outcomes(all, DOCKER)).toEqual({
      metered: 1,
      'ignored.blank': 3,
      'ignored.not_json': 1,
    })
  })

  const log = JSON.stringify(`${line()}\n`)
  test.each([
    ['text', 'x'],
    ['white space', '  '],
    ['a list', '[]'],
    ['the line itself', line()],
    ['a CRI record', cri(line())],
    ['no log', `{"stream":"stdout","time":""}`],
    ['no stream', `{"log":${log},"time":""}`],
    ['no time', `{"log":${log},"stream":"stdout"}`],
    ['a log that is a number', record({ log: 1 })],
    ['a time that is null', record({ log: `${line()}\n`, time: null })],
    ['another stream', docker(line(), 'stdin')],
    ['a log twice', `{"log":${log},"log":${log},"stream":"stdout","time":""}`],
    ['a stream twice, once escaped', `${docker(line()).slice(0, -1)},"str\\u0065am":"stdout"}`],
    ['two records', docker(line()) + docker(line())],
    ['a record without its end', docker(line()).slice(0, -1)],
    ['a byte that is not UTF-8', `{"log":"\xff\\n","stream":"stdout","time":""}`],
    ['an escape that is none', `{"log":"\\x\\n","stream":"stdout","time":""}`],
    ['a bare infinity', `${docker(line()).slice(0, -1)},"attrs":inf}`],
  ])('is none: %s', (_name, text) => {
    expect(outcomes([docker(line()), text, docker(line())], DOCKER)).toEqual({
      metered: 2,
      'quarantined.bad_envelope': 1,
    })
  })

  test('with a line that is not to be trusted is quarantined as that line would be', () => {
    const all = [
      docker(line().slice(0, -9)),
      docker(line() + line()),
      docker(`{"a":"\n",${line().slice(1)}`),
    ]
    expect(outcomes(all, DOCKER)).toEqual({ 'quarantined.malformed': 3 })
  })

  test('text in a line that looks like a record is text', () => {
    const forged = docker(line({ path: docker(line({ bytes_sent: 1 })) }))
    expect(metered([forged], DOCKER).scan.totals).toMatchObject([{ egressBytes: '10' }])
  })
})

describe('parts', () => {
  const text = line()

  test('are joined up to the record whose log ends in LF, for each output', () => {
    const all = [
      part(text.slice(0, 7)),
      part('[info] ', 'stderr'),
      part(text.slice(7, 8)),
      docker('x', 'stderr'),
      '',
      docker(text.slice(8)),
    ]
    expect(outcomes(all, DOCKER)).toEqual({
      metered: 1,
      'ignored.stderr': 1,
      'ignored.blank': 1,
    })
  })

  test('are joined across files', () => {
    const files = [file(docker(text), part(text.slice(0, 30))), file(docker(text.slice(30)))]
    expect(outcomes(files, DOCKER)).toEqual({ metered: 2 })
  })

  test('without their end are cut', () => {
    expect(outcomes([docker(text), part(text)], DOCKER)).toEqual({
      metered: 1,
      'quarantined.cut': 1,
    })
  })

  test('that are too long together are one line that is too long', () => {
    const long = Array.from({ length: 3 }, () => part('é'.repeat(200)))
    const options = { ...DOCKER, lineBytesMax: 1024 }
    expect(outcomes([...long, docker('x'), docker(line())], options)).toEqual({
      metered: 1,
      'quarantined.too_long': 1,
    })
  })
})

describe('auto', () => {
  test('takes docker when the first line that is not empty is such a record', () => {
    using meter = new Meter({ stream: 's' })
    meter.feed(file('', docker(line())))
    expect(meter.envelope).toBe('docker')
    expect(outcomes(['', docker(line()), line()])).toEqual({
      metered: 1,
      'ignored.blank': 1,
      'quarantined.bad_envelope': 1,
    })
  })

  test('does not take it back for a record that comes later', () => {
    expect(outcomes([line(), docker(line())])).toEqual({ metered: 1, 'unattributed.no_route': 1 })
  })
})
