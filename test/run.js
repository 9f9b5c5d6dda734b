/** `npm test`: everything. Installs what is missing, then `run-tests.ts` does the work. @module */
import { join } from 'node:path'
import { launch, root } from '../core/bin/launch.js'

process.chdir(root)
await launch({ entry: join(root, 'test', 'run-tests.ts'), development: true })
