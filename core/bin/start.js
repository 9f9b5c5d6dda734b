/**
 * `npm start`: Labgate with `config/labgate.yaml`, a demo university to sign in with and a demo relying party.
 * `npm start NAME`: the example of that name instead, `examples/NAME/start.ts`.
 * @module
 */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { launch, root } from './launch.js'

const [first = '', ...rest] = process.argv.slice(2)
const example = /^[a-z-]+$/.test(first) && join(root, 'examples', first, 'start.ts')

process.chdir(root)
if (example && existsSync(example)) await launch({ entry: example, args: rest })
else if (example && !existsSync(first)) {
  const names = readdirSync(join(root, 'examples')).filter((name) =>
    existsSync(join(root, 'examples', name, 'start.ts')),
  )
  process.stderr.write(`labgate: there is no example \`${first}\`; there are ${names.join(', ')}\n`)
  process.exitCode = 1
} else await launch({ entry: join(root, 'examples', 'demo', 'start.ts') })
