// Bearer token and TLS files of a sink.
//
// Files are read again before every attempt: they are small, and a rotated secret is then used at
// once, also one that was replaced within the resolution of a time stamp. No message of this file
// ever holds a byte of what it read.

import { readFile } from 'node:fs/promises'
import { MeterFastError } from '../errors.ts'

/** Where the secrets are; each is optional. */
export interface CredentialFiles {
  readonly bearerFile?: string | undefined
  readonly tls?:
    | {
        readonly caFile?: string | undefined
        readonly certFile?: string | undefined
        readonly keyFile?: string | undefined
      }
    | undefined
}

/** TLS material as the connection takes it. */
export interface TlsMaterial {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

// What a header may carry: visible ASCII (RFC 6750 allows less).
const TOKEN = /^[\x21-\x7e]+$/

/**
 * The bearer token, or undefined when none is configured.
 * @throws MeterFastError METER_INPUT_MISSING when the file cannot be read or holds no token.
 */
export async function bearerToken(files: CredentialFiles): Promise<string | undefined> {
  if (files.bearerFile === undefined) return undefined
  const token = (await fileContent(files.bearerFile)).toString('utf8').trim()
  if (!TOKEN.test(token)) {
    throw new MeterFastError(
      'METER_INPUT_MISSING',
      `"${files.bearerFile}" holds no bearer token: it must be one line of visible ASCII.`,
    )
  }
  return token
}

/**
 * CA, certificate and key, as far as they are configured.
 * @throws MeterFastError METER_INPUT_MISSING when a file cannot be read.
 */
export async function tlsMaterial(files: CredentialFiles): Promise<TlsMaterial> {
  const { caFile, certFile, keyFile } = files.tls ?? {}
  return {
    ...(caFile !== undefined && { ca: await fileContent(caFile) }),
    ...(certFile !== undefined && { cert: await fileContent(certFile) }),
    ...(keyFile !== undefined && { key: await fileContent(keyFile) }),
  }
}

/** True when both hold the same bytes. */
export function sameTls(a: TlsMaterial, b: TlsMaterial): boolean {
  const pairs = [
    [a.ca, b.ca],
    [a.cert, b.cert],
    [a.key, b.key],
  ]
  return pairs.every(([one, other]) => (one && other ? one.equals(other) : one === other))
}

/** @throws MeterFastError METER_INPUT_MISSING when the file cannot be read. */
export async function fileContent(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new MeterFastError(
      'METER_INPUT_MISSING',
      `"${path}" cannot be read (${code}): mount the secret there, readable for this process.`,
      { cause },
    )
  }
}
