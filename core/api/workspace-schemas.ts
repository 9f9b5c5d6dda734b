/** How the admin API tells of workspaces, and of what happened to them. @module */
import { instant, listOf, record, text } from './schema.ts'

/** Where a workspace may be in its life. */
export const states = [
  ...['requested', 'reserved', 'starting', 'ready', 'idle', 'stopping'],
  ...['lost', 'stopped', 'failed', 'expired', 'orphaned'],
] as const

const number = (description: string) => ({ type: 'number', description }) as const

/** The schemas, by name. */
export const workspaceSchemas = {
  Workspace: record(
    'A workspace.',
    {
      id: text('Its id: small letters and digits.'),
      account: text('Id of whose it is.'),
      profile: text('The app profile; empty for one that was found without a record.'),
      runner: text('Id of the runner.'),
      host: text('Machine of the runner, where it has several.'),
      title: text('As its owner named it.'),
      size: text('Name of the size.'),
      image: text('The image, where one was chosen.'),
      limits: record(
        'What it may take; what is absent is not limited.',
        {
          memoryBytes: number('Memory in bytes.'),
          cpus: number('CPUs.'),
          storageBytes: number('Storage in bytes.'),
          pids: number('Processes and threads.'),
          gpus: number('GPUs.'),
        },
        ['memoryBytes', 'cpus', 'storageBytes', 'pids', 'gpus'],
      ),
      state: { type: 'string', enum: states, description: 'Where it is in its life.' },
      wanted: { type: 'string', enum: ['running', 'stopped', 'removed'], description: 'What is wished of it.' },
      stopReason: text('Why it ends: owner, admin, lease, idle, account, trouble, restart, ended (by itself).'),
      trouble: record('What went wrong.', {
        code: text('image_denied, pull_failed, quota, port, auth, unreachable, readiness, crash, policy, internal.'),
        message: text('For its owner.'),
        hint: text('What could be done; may be empty.'),
        retryable: { type: 'boolean', description: 'Whether the same may work another time.' },
        logs: listOf(text('A line.'), 'The last lines that the app wrote.'),
      }),
      createdAt: instant('When it was asked for.'),
      startedAt: instant('When it began to start.'),
      readyAt: instant('When it answered.'),
      lastActivityAt: instant('When it was used last.'),
      leaseEndsAt: instant('When it will be stopped.'),
      leaseLimitAt: instant('How far it can be extended.'),
      endedAt: instant('When it ended.'),
      direct: record(
        'The way past the proxy, where its profile has that and it runs.',
        {
          address: text('Host and port; absent while no port of the range is free.'),
          path: text('Path of the app’s first page.'),
          shownAt: instant('When its credential was shown; it is not shown again.'),
        },
        ['address', 'shownAt'],
      ),
      guests: listOf(text('An account id.'), 'Who else may enter.'),
    },
    ['host', 'direct', 'image', 'stopReason', 'trouble', 'startedAt', 'readyAt', 'lastActivityAt', 'endedAt'],
  ),
  WorkspaceEvent: record('Something that happened to a workspace.', {
    number: { type: 'integer', description: 'Counts from 1 in each workspace.' },
    at: instant('When.'),
    kind: text('A state, or progress, warned, extended, message, trouble, direct, direct-moved, direct-full.'),
    text: text('What a runner, an app or an admin said; may be empty.'),
  }),
}
