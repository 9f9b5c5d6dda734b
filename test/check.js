/** `npm run check`: the quick one. Installs what is missing, then `run-checks.ts` does the work. @module */
import { join } from 'node:path'
import { launch, root } from '../core/bin/launch.js'

process.chdir(root)
await launch({ entry: join(root, 'test', 'run-checks.ts'), development: true })
