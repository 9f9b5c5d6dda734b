/** `npm start`: Labgate with `config/labgate.yaml`, a demo university to sign in with and a demo relying party. @module */
import { join } from 'node:path'
import { launch, root } from './launch.js'

process.chdir(root)
await launch({ entry: join(root, 'examples', 'demo', 'start.ts') })
