// Keeps a page alive: each event of the agent fetches the page's content again and exchanges the parts that changed.
// Without this script the pages work as well; they only have to be reloaded by hand.
;(() => {
  const root = document.querySelector('.hs')
  if (!root || !window.EventSource) return
  const state = root.querySelector('[data-hs-live-state]')
  const words = root.dataset
  const SHORTEST_PAUSE_MS = 1000
  let fetching = false
  let wanted = false
  let isEdited = false

  root.addEventListener('input', () => {
    isEdited = true
  })
  for (const form of root.querySelectorAll('form[method=post]')) {
    // A second click while the first is under way would ask for the same thing twice.
    form.addEventListener('submit', (event) => {
      if (form.dataset.sent) event.preventDefault()
      form.dataset.sent = 'yes'
    })
  }
  window.addEventListener('pageshow', () => {
    for (const form of root.querySelectorAll('form')) delete form.dataset.sent
  })

  function say(text, isBad) {
    if (!state) return
    state.hidden = false
    state.textContent = text
    state.classList.toggle('hs-bad', isBad)
  }

  function partsOf(element) {
    return new Map(
      [...element.querySelectorAll('[data-hs-live]')].map((part) => [part.dataset.hsLive, part]),
    )
  }

  function exchange(part, fresh) {
    if (part.innerHTML === fresh.innerHTML && part.className === fresh.className) return
    const open = [...part.querySelectorAll('details[open]')].map((details) => details.id)
    const focused = part.contains(document.activeElement) ? document.activeElement.id : ''
    part.className = fresh.className
    part.innerHTML = fresh.innerHTML // rendered and escaped by the server, as the whole page was
    for (const id of open) document.getElementById(id)?.setAttribute('open', '')
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true })
  }

  function renew(html) {
    const fresh = new window.DOMParser().parseFromString(html, 'text/html')
    const [now, next] = [partsOf(root), partsOf(fresh)]
    const sameParts = now.size === next.size && [...now.keys()].every((name) => next.has(name))
    if (!sameParts && !isEdited) return window.location.reload()
    if (!sameParts) say(words.hsWordsChanged, true)
    for (const [name, part] of now) if (next.has(name)) exchange(part, next.get(name))
  }

  async function refresh() {
    if (fetching) {
      wanted = true
      return
    }
    fetching = true
    wanted = false
    try {
      const url = root.dataset.hsPage || window.location.pathname + window.location.search
      const answer = await fetch(url, {
        headers: { 'x-hot-standby-live': '1', accept: 'text/html' },
      })
      if (answer.redirected || answer.status === 401 || answer.status === 403)
        return window.location.reload()
      renew(await answer.text())
    } catch {
      say(words.hsWordsOld, true)
    }
    window.setTimeout(() => {
      fetching = false
      if (wanted) refresh()
    }, SHORTEST_PAUSE_MS)
  }

  // The answer to a form has no stream: to fetch its address again would be to send the form again.
  if (!root.dataset.hsStream) return
  const stream = new window.EventSource(root.dataset.hsStream)
  stream.addEventListener('open', () => say(words.hsWordsLive, false))
  stream.addEventListener('error', () => say(words.hsWordsLost, true))
  stream.addEventListener('status', refresh)
  stream.addEventListener('unreachable', refresh)
  stream.addEventListener('history', () => {
    if (root.querySelector('[data-hs-follows=history]')) refresh()
  })
})()
