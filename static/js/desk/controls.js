/** Radio groups and tabs that work by arrow keys as ARIA asks: one tab stop, arrows choose. */

/**
 * @param {HTMLElement} group @param {string} role @param {string} state
 * @param {(chosen: HTMLElement) => void} onChoose
 */
function rove(group, role, state, onChoose) {
  const items = /** @type {HTMLElement[]} */ ([...group.querySelectorAll(`[role=${role}]`)])
  const choose = (/** @type {HTMLElement} */ item, focus = false) => {
    for (const one of items) {
      one.setAttribute(state, String(one === item))
      one.tabIndex = one === item ? 0 : -1
    }
    if (focus) item.focus()
  }
  group.addEventListener("click", (event) => {
    const item = event.target instanceof Element && event.target.closest(`[role=${role}]`)
    if (item instanceof HTMLElement) {
      choose(item)
      onChoose(item)
    }
  })
  group.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement))
    if (!step || at < 0) return
    event.preventDefault()
    const next = items[(at + step + items.length) % items.length]
    choose(next, true)
    onChoose(next)
  })
  return { choose, items }
}

/** @param {HTMLElement} group @param {(chosen: HTMLElement) => void} onChoose */
export function radios(group, onChoose) {
  return rove(group, "radio", "aria-checked", onChoose)
}

/** @param {HTMLElement} list */
export function tabs(list) {
  return rove(list, "tab", "aria-selected", (chosen) => {
    for (const tab of list.querySelectorAll("[role=tab]")) {
      const panel = document.getElementById(tab.getAttribute("aria-controls") ?? "")
      if (panel) panel.hidden = tab !== chosen
    }
  })
}
