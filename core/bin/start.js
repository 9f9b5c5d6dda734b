/**
 * `npm start`: Labgate with `config/labgate.yaml`, a demo university to sign in with and a demo relying party.
 * `npm start NAME`: the example of that name instead, `examples/NAME/start.ts`.
 * @module
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { launch, root } from './launch.js'

const [first = '', ...rest] = process.argv.slice(2)
const example = /^[a-z-]+$/.test(first) && join(root, 'examples', first, 'start.ts')

process.chdir(root)
if (example && existsSync(example)) await launch({ entry: example, args: rest })
else await launch({ entry: join(root, 'examples', 'demo', 'start.ts') })
