/** Everything the demo university remembers: in memory, gone when it stops. @module */
import type { Adapter, AdapterPayload } from 'oidc-provider'

/** Makes the storage of one Provider. */
export function memoryAdapter(): (name: string) => Adapter {
  const rows = new Map<string, AdapterPayload>()
  return (name) => {
    const at = (id: string) => `${name}:${id}`
    const where = (key: 'uid' | 'userCode', value: string) =>
      [...rows].find(([id, row]) => id.startsWith(`${name}:`) && row[key] === value)?.[1]
    return {
      upsert: async (id, row) => void rows.set(at(id), structuredClone(row)),
      find: async (id) => structuredClone(rows.get(at(id))),
      findByUid: async (uid) => where('uid', uid),
      findByUserCode: async (code) => where('userCode', code),
      consume: async (id) => void Object.assign(rows.get(at(id)) ?? {}, { consumed: 1 }),
      destroy: async (id) => void rows.delete(at(id)),
      revokeByGrantId: async (grant) => {
        for (const [id, row] of rows) if (id.startsWith(`${name}:`) && row.grantId === grant) rows.delete(id)
      },
    }
  }
}
