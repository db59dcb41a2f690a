// HTTP sinks against a real nginx that wants client certificates.

import { mkdtempSync, rmSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CollectorSink } from '../../src/deliver/collector-sink.ts'
import { GatewaySink } from '../../src/deliver/gateway-sink.ts'
import { statusAnswer } from '../../src/deliver/http-answer.ts'
import { Sender } from '../../src/deliver/sender.ts'
import { NEVER, TestOutbox, testBatch, withoutWaits } from '../sink/batches.ts'
import { type Certificate, makeCertificate } from '../sink/certificate.ts'
import { startGateway, type TestGateway } from '../sink/gateway.ts'
import { hasNginx, Nginx } from '../sink/nginx.ts'

describe('a 400 that the receiver never gave', () => {
  const page = (title: string) => `<html><head><title>${title}</title></head></html>`
  test.each([
    ['400 No required SSL certificate was sent', 'unauthorized'],
    ['400 The SSL certificate error', 'unauthorized'],
    ['400 The plain HTTP request was sent to HTTPS port', 'misconfigured'],
    ['400 Bad Request', 'refused'],
  ])('%s is %s', (title, kind) => {
    const answer = { status: 400, retryAfter: undefined, body: page(title) }
    expect(statusAnswer(answer, 0)).toMatchObject({ kind, status: 400 })
  })
})

describe.runIf(hasNginx())('behind a real nginx', () => {
  let directory: string
  let [server, client, stranger]: Certificate[] = []
  let gateway: TestGateway
  let nginx: Nginx
  let url: string
  let ours: { caFile: string; certFile: string; keyFile: string }

  /** Mounts another certificate in the place of ours, as a rotation does. */
  async function rotateTo({ certFile, keyFile }: Certificate): Promise<void> {
    await copyFile(certFile, ours.certFile)
    await copyFile(keyFile, ours.keyFile)
  }

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'meter-fast-mtls-'))
    const make = (name: string) => makeCertificate(directory, name)
    ;[server, client, stranger] = [make('server'), make('client'), make('stranger')]
    gateway = await startGateway()
    nginx = await Nginx.start(gateway.port, { ...server, clientCaFile: client.certFile })
    url = `https://127.0.0.1:${nginx.port}`
    const [certFile, keyFile] = [join(directory, 'ours.crt'), join(directory, 'ours.key')]
    ours = { caFile: server.certFile, certFile, keyFile }
  })
  afterEach(async () => {
    await nginx.dispose()
    await gateway.close()
    rmSync(directory, { recursive: true })
  })

  test('a certificate that is not taken holds; a rotated one is taken at once', async () => {
    await rotateTo(stranger as Certificate)
    const sink = new GatewaySink({ url, tls: ours })
    const outbox = new TestOutbox(testBatch(1, 50))
    const waits: number[] = []
    await new Sender(sink, outbox, {
      sleep: async (ms) => {
        if (waits.push(ms) === 2) await rotateTo(client as Certificate)
      },
    }).run(NEVER)
    await sink.close()
    expect(waits).toEqual([60_000, 60_000])
    expect(outbox.quarantined).toEqual({})
    expect([...gateway.stored.values()]).toEqual(testBatch(1, 50).texts)
    expect(gateway.requests).toHaveLength(1)
  })

  test('without a certificate no event is set aside', async () => {
    const sink = new GatewaySink({ url, tls: { caFile: ours.caFile } })
    expect(await sink.deliver(testBatch(1, 5), NEVER)).toMatchObject({
      ...{ kind: 'unauthorized', status: 400 },
    })
    await sink.close()
    expect(gateway.requests).toEqual([])
  })

  test('a server that we do not trust gets nothing', async () => {
    await rotateTo(client as Certificate)
    const { certFile: caFile } = stranger as Certificate
    const sink = new GatewaySink({ url, tls: { ...ours, caFile } })
    expect(await sink.deliver(testBatch(1, 5), NEVER)).toMatchObject({ kind: 'unreachable' })
    await sink.close()
    expect(gateway.requests).toEqual([])
  })

  test('http to its port for https is a configuration fault', async () => {
    const sink = new CollectorSink({ url: url.replace('https', 'http') })
    expect(await sink.deliver(testBatch(1, 5), NEVER)).toMatchObject({ kind: 'misconfigured' })
    await sink.close()
  })

  test('502 while nobody stands behind it is unknown, and costs nothing', async () => {
    await rotateTo(client as Certificate)
    const { port } = gateway
    await gateway.close()
    const sink = new GatewaySink({ url, tls: ours })
    const outbox = new TestOutbox(testBatch(1, 5))
    const kinds: string[] = []
    await new Sender(sink, outbox, {
      ...withoutWaits(),
      onSignal: (signal) => {
        if (signal.kind === 'answered') kinds.push(`${signal.answer.kind} ${signal.answer.status}`)
      },
      sleep: async () => {
        if (kinds.length === 2) await gateway.listen(port)
      },
    }).run(NEVER)
    await sink.close()
    expect(kinds).toEqual(['unknown 502', 'unknown 502', 'accepted 200'])
    expect(gateway.stored.size).toBe(5)
  })

  test('a body above its bound is halved', async () => {
    await nginx.dispose()
    const files = { ...(server as Certificate), clientCaFile: (client as Certificate).certFile }
    nginx = await Nginx.start(gateway.port, files, 'client_max_body_size 10k;')
    await rotateTo(client as Certificate)
    const sink = new GatewaySink({ url: `https://127.0.0.1:${nginx.port}`, tls: ours })
    const outbox = new TestOutbox(testBatch(1, 100))
    await new Sender(sink, outbox, withoutWaits()).run(NEVER)
    await sink.close()
    expect(outbox.quarantined).toEqual({})
    expect(gateway.stored.size).toBe(100)
    expect(gateway.requests.length).toBeGreaterThan(2)
  })
})
