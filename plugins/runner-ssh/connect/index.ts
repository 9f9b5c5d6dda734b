/**
 * `@labgate/runner-ssh/connect`: connections to hosts by SSH, for every plugin that needs one. Host keys are pinned, at each
 * jump too; commands are argument arrays; every wait has an end; faults name the host and how to mend it.
 * Specs: RFC 4251 to 4254, draft-ietf-secsh-filexfer-02 (SFTP version 3).
 * @module
 */
export { type SshHost, type SshJump, sshHostProperties, sshHostSchema } from './config.ts'
export { type Connection, type ConnectOptions, checkHost, connect, type Patience, type Target } from './connect.ts'
export type { ExecOptions, ExecResult, Exit, Running, SpawnOptions } from './exec.ts'
export { commandLine, quoteWord } from './quote.ts'
export type { FileFacts, FileKind, FolderEntry, OpenFile, Sftp } from './sftp.ts'
export { type SharedConnection, type SharedOptions, sessionsAtOnce, sharedConnection } from './shared.ts'
export { oneLine, sshFault, type Trouble, troubleOf } from './trouble.ts'
