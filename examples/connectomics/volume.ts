/** Small made-up volumes in Neuroglancer's precomputed format: an `info` and one raw chunk each. @module */

const size = [64, 64, 16] as const

/** Name of the one chunk: the first scale, and the voxels from and to. */
export const chunkName = '8_8_40/0-64_0-64_0-16'

/** The files of a volume by name; each seed gives other cells, always the same. */
export function volume(seed: number): Readonly<Record<string, Uint8Array>> {
  return { info: new TextEncoder().encode(JSON.stringify(info)), [chunkName]: chunk(seed) }
}

const info = {
  '@type': 'neuroglancer_multiscale_volume',
  type: 'image',
  data_type: 'uint8',
  num_channels: 1,
  scales: [
    {
      key: '8_8_40',
      size,
      voxel_offset: [0, 0, 0],
      resolution: [8, 8, 40],
      chunk_sizes: [size],
      encoding: 'raw',
    },
  ],
}

/** Grey values, x fastest: cells around a dozen points that drift from slice to slice, with dark membranes between them. */
function chunk(seed: number): Uint8Array {
  const [width, height, depth] = size
  const centres = Array.from({ length: 12 }, (_, index) => ({
    x: (index * 29 + seed * 17) % width,
    y: (index * 43 + seed * 31) % height,
  }))
  const voxels = new Uint8Array(width * height * depth)
  for (let at = 0; at < voxels.length; at++) {
    const [x, y, z] = [at % width, Math.floor(at / width) % height, Math.floor(at / (width * height))]
    const far = centres.map((cell, index) => Math.hypot(x - cell.x - (z * (index % 3)) / 3, y - cell.y))
    const [nearest = 0, next = 0] = far.toSorted((a, b) => a - b)
    voxels[at] = Math.min(235, 40 + Math.round((next - nearest) * 24))
  }
  return voxels
}
