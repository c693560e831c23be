/** The header's behaviour, the same on every page: theme, menus, the offline sign. */

const THEMES = /** @type {const} */ (["auto", "light", "dark"])

/** @returns {string} */
function storedTheme() {
  try {
    return localStorage.getItem("testudo.theme") ?? "auto"
  } catch {
    return "auto"
  }
}

// In the header where there is room, in the menu on a phone.
const themeButtons = /** @type {NodeListOf<HTMLButtonElement>} */ (
  document.querySelectorAll("[data-theme-switch]")
)

/** @param {string} theme */
function showTheme(theme) {
  const root = document.documentElement
  if (theme === "auto") delete root.dataset.theme
  else root.dataset.theme = theme
  const next = THEMES[(THEMES.indexOf(/** @type {never} */ (theme)) + 1) % THEMES.length]
  for (const button of themeButtons) {
    button.dataset.theme = theme
    button.setAttribute("aria-label", `Theme: ${theme}. Switch to ${next}.`)
    button.title = `Theme: ${theme}`
    button.querySelector("use")?.setAttribute("href", `#i-theme-${theme}`)
    const name = button.querySelector(".theme-name")
    if (name) name.textContent = theme
  }
  root.dispatchEvent(new CustomEvent("testudo:theme", { bubbles: true }))
}

showTheme(storedTheme())
for (const button of themeButtons) {
  button.addEventListener("click", () => {
    const at = THEMES.indexOf(/** @type {never} */ (button.dataset.theme ?? "auto"))
    const next = THEMES[(at + 1) % THEMES.length]
    try {
      localStorage.setItem("testudo.theme", next)
    } catch {
      // Kept for this page only.
    }
    showTheme(next)
  })
}
matchMedia("(prefers-color-scheme: light)").addEventListener("change", () =>
  document.documentElement.dispatchEvent(new CustomEvent("testudo:theme", { bubbles: true })),
)

// A menu closes on Escape and on a press outside it.
for (const menu of document.querySelectorAll("details.menu")) {
  document.addEventListener("pointerdown", (event) => {
    if (event.target instanceof Node && !menu.contains(event.target)) menu.removeAttribute("open")
  })
  menu.addEventListener("keydown", (event) => {
    if (/** @type {KeyboardEvent} */ (event).key !== "Escape") return
    menu.removeAttribute("open")
    menu.querySelector("summary")?.focus()
  })
}

// Another account of the trader's: the same page with it.
for (const choice of document.querySelectorAll("select[data-account-choice]")) {
  choice.addEventListener("change", () => {
    location.search = `?account=${/** @type {HTMLSelectElement} */ (choice).value}`
  })
}

/** The connection badge in words. `detail` is read out in full by a screen reader. */
export const LINK_STATES = {
  live: "Live",
  connecting: "Connecting",
  stale: "Stale",
  offline: "Offline",
}

/** @param {keyof typeof LINK_STATES} state @param {string} [detail] */
export function showLink(state, detail = "") {
  const badge = document.querySelector("#link-state")
  if (!(badge instanceof HTMLElement) || (badge.dataset.state === state && !badge.hidden)) return
  badge.hidden = false
  badge.dataset.state = state
  badge.title = detail || LINK_STATES[state]
  const text = badge.querySelector(".link-state-text")
  if (text) text.textContent = LINK_STATES[state]
}

// Pages without a live feed only say something when the network is gone.
if (!document.querySelector("#desk-config, #risk-config")) {
  const badge = /** @type {HTMLElement | null} */ (document.querySelector("#link-state"))
  const say = () => {
    if (!navigator.onLine) showLink("offline", "This device is offline.")
    else if (badge) badge.hidden = true
  }
  addEventListener("online", say)
  addEventListener("offline", say)
  say()
}
