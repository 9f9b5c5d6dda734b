/** The file systems of the config, made once; nothing is opened. @module */
import type { Log } from '@labgate/contract'
import type { RemotesConfig } from './config.ts'
import type { FileSystem } from './files/file-system.ts'
import { localFileSystem } from './files/local.ts'
import { sftpFileSystem } from './files/sftp.ts'

/** One file system. */
export interface System {
  readonly files: FileSystem
  /** Differs when it is another folder or another host: what was kept under another identity does not count. */
  readonly identity: string
}

/** All of them by name. */
export type Systems = ReadonlyMap<string, System>

/** Makes them. */
export function systemsOf({ fileSystems, answerTime: answerSeconds }: RemotesConfig, log: Log): Systems {
  return new Map(
    fileSystems.map(({ name, path, ssh }) => {
      const onTrouble = (error: unknown): void =>
        log.warn(
          { remote: name, reason: error instanceof Error ? error.message : String(error) },
          'trouble with a host',
        )
      const files = ssh
        ? sftpFileSystem({ path, host: ssh, answerSeconds, onTrouble })
        : localFileSystem({ path, answerSeconds })
      const place = ssh ? [ssh.user, ssh.host, ssh.port, ssh.jump.map(({ host, port }) => [host, port])] : []
      return [name, { files, identity: JSON.stringify([path, place]) }] as const
    }),
  )
}
