/** @labgate/core: builds a Labgate from a config. @module */
export { type AssemblyOptions, assemble, type RoomServices, type Rooms } from './assembly.ts'
export { processEnv } from './config/env.ts'
export { type LoadedConfig, loadConfig, readConfig } from './config/load.ts'
export type { Config } from './config/schema.ts'
export { createLabgate, type Labgate, type LabgateConfig } from './server.ts'
