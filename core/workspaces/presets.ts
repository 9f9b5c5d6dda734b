/** What is known of apps that labs start often; each line can be set otherwise in the config. @module */
import type { ActivityProbe, Credential } from './model.ts'

/** What a preset says. */
export interface Preset {
  readonly title: string
  readonly command: readonly string[]
  readonly port: number | undefined
  readonly environment: Readonly<Record<string, string>>
  readonly basePath: 'told' | 'stripped'
  readonly credential: Credential | undefined
  readonly readiness: string
  readonly activity: ActivityProbe | undefined
  readonly landing: string
  /** Where the person's storage is found. */
  readonly home: string
}

const token: Credential = { file: 'token', header: { name: 'authorization', value: 'token {token}' } }
const jupyter = {
  port: 8888,
  // Of a file: an environment is seen by everybody who may look at processes or containers.
  environment: { JUPYTER_TOKEN_FILE: '{secrets}/token' },
  basePath: 'told',
  credential: token,
  readiness: 'api',
  activity: { kind: 'jupyter', path: 'api/' },
} as const

/** Presets by name. */
export const presets = {
  jupyterlab: {
    ...jupyter,
    title: 'JupyterLab',
    command: [
      ...['jupyter', 'lab', '--no-browser', '--ServerApp.ip={bind}', '--ServerApp.port={port}'],
      ...['--ServerApp.port_retries=0', '--ServerApp.base_url={basePath}', '--ServerApp.allow_remote_access=True'],
      // What people make at the top of the tree is kept: beside the storage it would go with the container.
      '--ServerApp.root_dir={home}',
    ],
    landing: 'lab',
    home: '/home/jovyan/work',
  },
  'jupyter-notebook': {
    ...jupyter,
    title: 'Jupyter Notebook',
    command: [
      ...['jupyter', 'notebook', '--no-browser', '--NotebookApp.ip={bind}', '--NotebookApp.port={port}'],
      ...[
        '--NotebookApp.port_retries=0',
        '--NotebookApp.base_url={basePath}',
        '--NotebookApp.allow_remote_access=True',
        '--NotebookApp.notebook_dir={home}',
      ],
    ],
    landing: 'tree',
    home: '/home/jovyan/work',
  },
  rstudio: {
    title: 'RStudio',
    command: [],
    port: 8787,
    // Nobody but the proxy reaches its port; a password would be one more secret for the person to lose.
    environment: { DISABLE_AUTH: 'true' },
    basePath: 'stripped',
    credential: undefined,
    readiness: '',
    activity: undefined,
    landing: '',
    home: '/home/rstudio',
  },
  'code-server': {
    title: 'Visual Studio Code',
    command: ['code-server', '--bind-addr={bind}:{port}', '--auth=none', '--disable-telemetry', '{home}'],
    port: 8080,
    environment: {},
    basePath: 'stripped',
    credential: undefined,
    readiness: 'healthz',
    activity: undefined,
    landing: '',
    home: '/home/coder',
  },
  shiny: {
    title: 'Shiny',
    command: ['Rscript', '-e', "shiny::runApp('{home}', host='{bind}', port={port}, launch.browser=FALSE)"],
    port: 3838,
    environment: {},
    basePath: 'stripped',
    credential: undefined,
    readiness: '',
    activity: undefined,
    landing: '',
    home: '/srv/shiny',
  },
  command: {
    title: '',
    command: [],
    port: undefined,
    environment: {},
    basePath: 'told',
    credential: undefined,
    readiness: '',
    activity: undefined,
    landing: '',
    home: '/home/work',
  },
} as const satisfies Readonly<Record<string, Preset>>
