/** TLS certificates for the tests' own servers, made by openssl. @module */
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programOf } from './needs.ts'

const run = promisify(execFile)

/** A self-signed certificate: it is its own authority, so `ca` is all a client has to trust. */
export interface Certificate {
  readonly certFile: string
  readonly keyFile: string
  /** The certificate as PEM. */
  readonly ca: string
}

/** Makes a certificate in `folder` for localhost, 127.0.0.1, ::1 and the further `names`, good for two days. */
export async function makeCertificate(folder: string, names: readonly string[] = []): Promise<Certificate> {
  const certFile = join(folder, 'cert.pem')
  const keyFile = join(folder, 'key.pem')
  const subjects = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1', ...names.map((name) => `DNS:${name}`)]
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  const about = ['-subj', '/CN=localhost', '-addext', `subjectAltName=${subjects.join(',')}`]
  await run(programOf('openssl'), ['req', '-x509', ...curve, ...about, '-keyout', keyFile, '-out', certFile])
  return { certFile, keyFile, ca: await readFile(certFile, 'utf8') }
}
