// Rules of the nats sink, against a real nats-server with JetStream.

import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ackOutcome, natsAnswer, STORED } from '../../src/deliver/nats-answer.ts'
import { NatsSink, type NatsSinkOptions } from '../../src/deliver/nats-sink.ts'
import { Sender } from '../../src/deliver/sender.ts'
import { freezeBatch } from '../../src/deliver/sink.ts'
import { NEVER, TestOutbox, testBatch, testId, withoutWaits } from '../sink/batches.ts'
import { makeCertificate } from '../sink/certificate.ts'
import { sinkContract } from '../sink/contract.ts'
import { hasNatsServer, NatsServer, STREAM } from '../sink/nats-server.ts'

const SUBJECT = 'usage.{project}'

describe('an acknowledgement', () => {
  test.each([
    ['{"stream":"usage","seq":1}', 'stored'],
    ['{"stream":"usage","seq":1,"duplicate":true}', 'stored'],
    ['{"error":{"code":400,"err_code":10054,"description":"message size exceeds"}}', 'rejected'],
    ['{"error":{"code":503,"err_code":10077,"description":"maximum bytes"}}', 'unsettled'],
    ['{"error":{"code":400,"err_code":10060,"description":"expected stream"}}', 'unsettled'],
    ['{"error":{},"stream":"usage"}', 'unsettled'],
    ['{}', 'unsettled'],
    ['null', 'unsettled'],
    ['+OK', 'unsettled'],
    ['', 'unsettled'],
  ])('%s is %s', (body, kind) => {
    expect(ackOutcome(body)).toMatchObject({ kind })
  })
})

describe('the answer to a batch', () => {
  const batch = testBatch(1, 3)
  const rejected = { kind: 'rejected', reason: 'r' } as const
  const unsettled = { kind: 'unsettled', text: 't' } as const

  test('is acceptance when every event is stored', () => {
    expect(natsAnswer(batch, [STORED, STORED, STORED]).kind).toBe('accepted')
  })

  test('names the events that can never be stored', () => {
    expect(natsAnswer(batch, [STORED, rejected, STORED])).toMatchObject({
      kind: 'partly',
      rejected: [{ id: testId(1), reason: 'r' }],
    })
  })

  test('is unknown as long as one event is unsettled', () => {
    expect(natsAnswer(batch, [rejected, unsettled, STORED])).toMatchObject({
      kind: 'unknown',
      text: '1 events: t',
    })
  })
})

describe.runIf(hasNatsServer())('against a real server', () => {
  sinkContract(
    'nats',
    async () => {
      const server = await NatsServer.start()
      await server.createStream()
      return {
        sink: new NatsSink({ servers: [server.address], stream: STREAM, subject: SUBJECT }),
        stored: async () => (await server.messages()).map(({ text }) => text),
        outage: { begin: () => server.kill(), end: () => server.begin() },
        dispose: () => server.dispose(),
      }
    },
    { deduplicates: true, recovers: true },
  )

  let server: NatsServer
  let sink: NatsSink
  const make = (options: Partial<NatsSinkOptions> = {}) =>
    new NatsSink({ servers: [server.address], stream: STREAM, subject: SUBJECT, ...options })
  beforeEach(async () => {
    server = await NatsServer.start()
    await server.createStream()
    sink = make()
  })
  afterEach(async () => {
    await sink.close()
    await server.dispose()
  })

  test('the event id is the message id, the project is in the subject', async () => {
    const batch = testBatch(1, 3)
    await sink.deliver(batch, NEVER)
    expect(await server.messages()).toEqual(
      batch.ids.map((id, index) => ({
        ...{ id, subject: `usage.p-${index}`, text: batch.texts[index] },
      })),
    )
  })

  test('the stream holds each id once after resends, also of a killed server', async () => {
    const batch = testBatch(1, 50)
    await sink.deliver(testBatch(1, 20), NEVER)
    expect(await sink.deliver(batch, NEVER)).toMatchObject({ kind: 'accepted' })
    await server.kill()
    // The first attempt may find the connection still open, the second finds nobody.
    expect((await sink.deliver(batch, NEVER)).kind).toMatch(/unknown|unreachable/)
    expect(await sink.deliver(batch, NEVER)).toMatchObject({ kind: 'unreachable' })
    await server.begin()
    expect(await sink.deliver(batch, NEVER)).toMatchObject({ kind: 'accepted' })
    expect((await server.messages()).map(({ id }) => id)).toEqual(batch.ids)
  })

  test('beyond the duplicate window an event is stored again: it must be long', async () => {
    await server.updateStream({ duplicate_window: 100_000_000 })
    await sink.deliver(testBatch(1, 1), NEVER)
    await new Promise((resolve) => setTimeout(resolve, 300))
    await sink.deliver(testBatch(1, 1), NEVER)
    expect(await server.messages()).toHaveLength(2)
  })

  test('of several servers the one that is there is used', async () => {
    const other = make({ servers: ['127.0.0.1:1', `nats://${server.address}`] })
    expect(await other.deliver(testBatch(1, 1), NEVER)).toMatchObject({ kind: 'accepted' })
    await other.close()
  })

  test('no server is unreachable, and nothing was sent', async () => {
    const other = make({ servers: ['127.0.0.1:1'] })
    expect(await other.deliver(testBatch(1, 1), NEVER)).toMatchObject({ kind: 'unreachable' })
    await other.close()
  })

  test('a stream that does not exist costs no event, and is told', async () => {
    await server.deleteStream()
    const outbox = new TestOutbox(testBatch(1, 4))
    const texts: string[] = []
    await new Sender(sink, outbox, {
      ...withoutWaits(),
      onSignal: (signal) => {
        if (signal.kind === 'answered') texts.push(signal.answer.text)
      },
      sleep: async () => {
        if (texts.length === 20) await server.createStream()
      },
    }).run(NEVER)
    expect(texts[0]).toBe('4 events: no stream takes usage.p-0')
    expect(outbox.quarantined).toEqual({})
    expect(await server.messages()).toHaveLength(4)
  })

  test('another stream than the configured one is not accepted', async () => {
    const other = make({ stream: 'other' })
    const answer = await other.deliver(testBatch(1, 1), NEVER)
    await other.close()
    expect(answer).toMatchObject({ kind: 'unknown' })
    expect(answer.text).toContain('expected stream does not match')
    expect(await server.messages()).toEqual([])
  })

  test('a full stream is tried again until there is room, without a loss', async () => {
    await server.updateStream({ max_msgs: 3, discard: 'new' })
    const outbox = new TestOutbox(testBatch(1, 5))
    let attempts = 0
    await new Sender(sink, outbox, {
      ...withoutWaits(),
      onSignal: ({ kind }) => {
        attempts += kind === 'answered' ? 1 : 0
      },
      sleep: async () => {
        if (attempts === 3) await server.updateStream({ max_msgs: 10, discard: 'new' })
      },
    }).run(NEVER)
    expect(outbox.quarantined).toEqual({})
    expect(await server.messages()).toHaveLength(5)
  })

  test('only an event that is too large for the stream is rejected', async () => {
    await server.updateStream({ max_msg_size: 1_000 })
    const large = { id: testId(9), text: eventText(9, 'p-9', 'x'.repeat(2_000)) }
    const small = { id: testId(8), text: eventText(8, 'p-8') }
    const answer = await sink.deliver(freezeBatch(1, [large, small]), NEVER)
    expect(answer).toMatchObject({ kind: 'partly', rejected: [{ id: testId(9) }] })
    expect((await server.messages()).map(({ id }) => id)).toEqual([testId(8)])
  })

  test('an event above the bound of the server is rejected, and the connection lives', async () => {
    const large = { id: testId(9), text: eventText(9, 'p-9', 'x'.repeat(1_048_576)) }
    const small = { id: testId(8), text: eventText(8, 'p-8') }
    const answer = await sink.deliver(freezeBatch(1, [large, small]), NEVER)
    expect(answer).toMatchObject({ kind: 'partly', rejected: [{ id: testId(9) }] })
    expect((await server.messages()).map(({ id }) => id)).toEqual([testId(8)])
  })

  test.each(['a.b', '*', '>', 'a b', '', 'A'])(
    'an event of the project "%s" goes to no other subject',
    async (project) => {
      const bad = { id: testId(9), text: eventText(9, project) }
      const answer = await sink.deliver(freezeBatch(1, [bad]), NEVER)
      expect(answer).toMatchObject({ kind: 'partly', rejected: [{ id: testId(9) }] })
      expect(await server.messages()).toEqual([])
    },
  )

  test('a server that falls silent is left after the deadline', async () => {
    const brief = make({ timeoutMs: 300 })
    await brief.deliver(testBatch(1, 1), NEVER)
    await server.freeze()
    expect(await brief.deliver(testBatch(1, 3), NEVER)).toEqual({
      ...{ kind: 'unknown', status: 0, text: 'no answer in time' },
    })
    server.thaw()
    expect(await brief.deliver(testBatch(1, 3), NEVER)).toMatchObject({ kind: 'accepted' })
    await brief.close()
    expect(await server.messages()).toHaveLength(3)
  })

  test('an attempt ends at once when it is stopped', async () => {
    await sink.deliver(testBatch(1, 1), NEVER)
    await server.freeze()
    const stop = new AbortController()
    const answer = sink.deliver(testBatch(1, 3), stop.signal)
    stop.abort()
    expect(await answer).toMatchObject({ text: 'stopped before the sink answered' })
    server.thaw()
  })
})

describe.runIf(hasNatsServer())('secrets of a real server', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'meter-fast-nats-secrets-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))
  const fileOf = (name: string) => join(directory, name)

  test('401 in its way: a rotated token is taken without a restart', async () => {
    const server = await NatsServer.start('authorization { token: new-secret }', {
      token: 'new-secret',
    })
    await server.createStream()
    const bearerFile = fileOf('token')
    const options = { servers: [server.address], stream: STREAM, subject: SUBJECT, bearerFile }
    const sink = new NatsSink(options)
    await writeFile(bearerFile, 'old-secret\n')
    const refused = await sink.deliver(testBatch(1, 2), NEVER)
    expect(refused).toMatchObject({ kind: 'unauthorized' })
    expect(JSON.stringify(refused)).not.toContain('secret')
    await writeFile(bearerFile, 'new-secret\n')
    expect(await sink.deliver(testBatch(1, 2), NEVER)).toMatchObject({ kind: 'accepted' })
    await rmSync(bearerFile)
    expect(await sink.deliver(testBatch(1, 2), NEVER)).toMatchObject({ kind: 'unauthorized' })
    await sink.close()
    await server.dispose()
  })

  test('a project that we may not publish holds no other one up', async () => {
    const server = await NatsServer.start(
      `authorization { users = [
        { user: admin, password: a }
        { user: agent, password: b, permissions: { publish: { deny: "usage.p-2" } } } ] }
       no_auth_user: agent`,
      { user: 'admin', pass: 'a' },
    )
    await server.createStream()
    const sink = new NatsSink({ servers: [server.address], stream: STREAM, subject: SUBJECT })
    const outbox = new TestOutbox(testBatch(1, 5), testBatch(2, 5, 5))
    await new Sender(sink, outbox, withoutWaits()).run(NEVER)
    expect(outbox.accepted).toHaveLength(9)
    expect(outbox.quarantined).toEqual({
      [testId(2)]: 'refused 0 1 events: we may not publish to usage.p-2',
    })
    await sink.close()
    await server.dispose()
  })

  test('the server is verified, the client shows its certificate', async () => {
    const [theirs, ours, stranger] = ['server', 'client', 'stranger'].map((name) =>
      makeCertificate(directory, name),
    )
    if (!theirs || !ours || !stranger) throw new Error('three certificates were made')
    const tls = `tls { cert_file: "${theirs.certFile}", key_file: "${theirs.keyFile}",
      ca_file: "${ours.certFile}", verify: true }`
    const admin = {
      ...{ caFile: theirs.certFile, certFile: ours.certFile, keyFile: ours.keyFile },
      host: '127.0.0.1',
    }
    const server = await NatsServer.start(tls, { tls: admin })
    await server.createStream()
    const kinds: string[] = []
    for (const [ca, client] of [
      [stranger, ours],
      [theirs, stranger],
      [theirs, ours],
    ] as const) {
      const sink = new NatsSink({
        ...{ servers: [`tls://${server.address}`], stream: STREAM, subject: SUBJECT },
        tls: { caFile: ca.certFile, certFile: client.certFile, keyFile: client.keyFile },
      })
      kinds.push((await sink.deliver(testBatch(1, 1), NEVER)).kind)
      await sink.close()
    }
    expect(kinds).toEqual(['unreachable', 'unreachable', 'accepted'])
    await server.dispose()
  })

  test('a server without TLS is not taken when TLS is configured', async () => {
    const server = await NatsServer.start()
    const { certFile } = makeCertificate(directory, 'any')
    const sink = new NatsSink({
      ...{ servers: [server.address], stream: STREAM, subject: SUBJECT },
      tls: { caFile: certFile },
    })
    expect(await sink.deliver(testBatch(1, 1), NEVER)).toMatchObject({ kind: 'unreachable' })
    await sink.close()
    await server.dispose()
  })
})

function eventText(index: number, project: string, padding = ''): string {
  const head = { specversion: '1.0', id: testId(index), subject: `projects/${project}` }
  return JSON.stringify({ ...head, data: { value: '1', padding } })
}
