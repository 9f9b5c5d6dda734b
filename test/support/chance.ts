/**
 * fast-check for tests by chance: CI tries the same cases each time, so that a red run tells of the change; every other
 * run tries new ones, and finds what nobody thought of. A failure prints its seed and path; give them to `fc.assert`.
 * @module
 */
import fc from 'fast-check'

const isRepeated = (process.env.CI ?? '') !== ''

fc.configureGlobal({ ...fc.readConfigureGlobal(), ...(isRepeated ? { seed: 20_261_122 } : {}) })

export { default } from 'fast-check'
