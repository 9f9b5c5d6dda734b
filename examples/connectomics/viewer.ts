/**
 * A page that reads a private bucket by ngauth in the steps of Neuroglancer, and draws one chunk. Neuroglancer itself asks
 * storage.googleapis.com, which nobody can stand in for on their own machine; this asks the cloud of the example.
 * @module
 */
import { listen, type Site } from './site.ts'
import { chunkName } from './volume.ts'

/** Where the page finds what. */
export interface ViewerPlaces {
  /** Origin of ngauth. */
  readonly ngauth: string
  readonly storage: string
  readonly bucket: string
  readonly datasets: readonly string[]
}

/** Starts it at `address`. */
export function startViewer(address: string, places: ViewerPlaces): Promise<Site> {
  const page = pageOf(places)
  return listen(address, 'viewer', (req, res) => {
    if (req.url !== '/') return void res.writeHead(404).end()
    res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page)
  })
}

function pageOf({ datasets, ...places }: ViewerPlaces): string {
  const buttons = datasets.map((name) => `<button value="${name}">${name}</button>`).join(' ')
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Viewer</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}
canvas{width:256px;height:256px;image-rendering:pixelated;display:block;margin:1rem 0;background:#888}</style>
<h1>Viewer</h1><p>Open ${buttons}</p><canvas width="64" height="64" aria-label="One slice of the volume"></canvas>
<p role="status">Nothing is open.</p>
<script type="module">
const places = ${JSON.stringify({ ...places, chunk: chunkName }).replaceAll('<', '\\u003c')}
${script}</script></html>`
}

/** The steps of Neuroglancer's kvstore/ngauth, without its retries. */
const script = `
const status = document.querySelector('[role=status]')
const say = (text) => { status.textContent = text }
let userToken

// A: by the cookie of an earlier sign-in; B and C: by a window that posts the token to this one.
async function tokenOfPerson() {
  const answer = await fetch(places.ngauth + '/token', { method: 'POST', credentials: 'include' })
  if (answer.ok) return answer.text()
  if (answer.status !== 401) throw new Error(await answer.text())
  say('Sign in in the other window.')
  const popup = open(places.ngauth + '/login?origin=' + encodeURIComponent(origin))
  return new Promise((resolve, reject) => {
    const heard = (event) => {
      if (event.source !== popup || event.origin !== places.ngauth) return
      removeEventListener('message', heard)
      if (typeof event.data?.token === 'string') resolve(event.data.token)
      else reject(new Error('this page is not known there'))
    }
    addEventListener('message', heard)
  })
}

// D: a credential for the bucket.
async function credential() {
  const ask = () => fetch(places.ngauth + '/gcs_token', {
    method: 'POST', body: JSON.stringify({ token: userToken, bucket: places.bucket }),
  })
  userToken ??= await tokenOfPerson()
  let answer = await ask()
  if (answer.status === 401) {
    userToken = await tokenOfPerson()
    answer = await ask()
  }
  if (!answer.ok) throw new Error(await answer.text())
  return (await answer.json()).token
}

// E: objects.
async function object(name, token) {
  const url = places.storage + '/storage/v1/b/' + places.bucket + '/o/' + encodeURIComponent(name) + '?alt=media'
  const answer = await fetch(url, { headers: { authorization: 'Bearer ' + token } })
  if (!answer.ok) throw new Error('the bucket answered ' + answer.status)
  return answer
}

async function show(dataset) {
  const canvas = document.querySelector('canvas').getContext('2d')
  canvas.clearRect(0, 0, 64, 64)
  say('Opening ' + dataset)
  const token = await credential()
  const { scales: [{ size: [width, height] }] } = await (await object(dataset + '/info', token)).json()
  const voxels = new Uint8Array(await (await object(dataset + '/' + places.chunk, token)).arrayBuffer())
  const image = canvas.createImageData(width, height)
  for (let at = 0; at < width * height; at++) image.data.set([voxels[at], voxels[at], voxels[at], 255], at * 4)
  canvas.putImageData(image, 0, 0)
  say(dataset + ': ' + voxels.length + ' bytes')
}

for (const button of document.querySelectorAll('button'))
  button.onclick = () => show(button.value).catch((error) => say(button.value + ': ' + error.message))
`
