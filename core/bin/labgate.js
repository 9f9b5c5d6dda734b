#!/usr/bin/env node
/** The command `labgate`: from the sources in a clone, from `dist/` in an installed package. @module */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { launch } from './launch.js'

const source = fileURLToPath(new URL('../main.ts', import.meta.url))
const built = fileURLToPath(new URL('../dist/main.js', import.meta.url))

await launch({ entry: existsSync(source) ? source : built })
