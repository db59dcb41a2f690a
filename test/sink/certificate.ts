// Certificates for tests of TLS.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
}

/** A key and a certificate for 127.0.0.1 that signs itself. */
export function makeCertificate(directory: string, name: string, days = 2): Certificate {
  const [certFile, keyFile] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)]
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  const made = ['-days', `${days}`, '-keyout', keyFile, '-out', certFile]
  execFileSync('openssl', ['req', '-x509', ...curve, ...made, ...subject], { stdio: 'pipe' })
  return { certFile, keyFile }
}
