// Keeps a page of a workspace up to date while something happens. Everything here works without it, by loading again.
const live = document.querySelector('#live[data-live]')
const log = document.querySelector('pre[data-follow]')
const mostLines = 5000

if (live) followEvents(live)
if (log) followLines(log)

/** At most one call in so many milliseconds, and one at a time: an older answer must not come after a newer one. */
function seldom(milliseconds, work) {
  let isWaiting = false
  let isWorking = false
  let isWanted = false
  const soon = () => {
    if (isWorking) isWanted = true
    if (isWaiting || isWorking) return
    isWaiting = true
    setTimeout(async () => {
      isWaiting = false
      isWorking = true
      isWanted = false
      try {
        await work()
      } finally {
        isWorking = false
        if (isWanted) soon()
      }
    }, milliseconds)
  }
  return soon
}

function followEvents(first) {
  const source = new EventSource(first.dataset.live)
  const said = document.querySelector('#said')
  // The server draws: whatever the page can do next comes with the new state.
  const soon = seldom(150, async () => {
    const answer = await fetch(location.pathname, { headers: { accept: 'text/html' } }).catch(() => undefined)
    if (!answer?.ok) return
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('#live')
    if (next) replace(document.querySelector('#live'), document.adoptNode(next))
  })
  source.addEventListener('message', ({ data }) => {
    if (said) said.textContent = JSON.parse(data).text
    soon()
  })
  source.addEventListener('end', () => {
    source.close()
    soon()
  })
  source.addEventListener('error', () => {
    if (source.readyState === EventSource.CLOSED) soon()
  })
}

/** The focus stays where it was, if that is still there. */
function replace(before, after) {
  const focused = before.contains(document.activeElement) ? document.activeElement.textContent : undefined
  before.replaceWith(after)
  const events = after.querySelector('.events')
  if (events) events.scrollTop = events.scrollHeight
  if (focused !== undefined)
    [...after.querySelectorAll('a, button')].find(({ textContent }) => textContent === focused)?.focus()
}

function followLines(at) {
  const source = new EventSource(at.dataset.follow)
  let lines = []
  const draw = seldom(100, () => {
    const isAtEnd = at.scrollTop + at.clientHeight >= at.scrollHeight - 8
    at.textContent = lines.join('\n')
    if (isAtEnd) at.scrollTop = at.scrollHeight
  })
  // Whoever opens it again is told everything once more.
  source.addEventListener('open', () => {
    lines = []
  })
  source.addEventListener('line', ({ data }) => {
    lines = [...lines.slice(1 - mostLines), JSON.parse(data)]
    draw()
  })
  source.addEventListener('end', () => source.close())
}
