/** `npm run bench`: the bench. Installs what is missing, then `bench.ts` does the work. @module */
import { join } from 'node:path'
import { launch, root } from '../../core/bin/launch.js'

process.chdir(root)
await launch({ entry: join(root, 'test', 'bench', 'bench.ts'), development: true })
