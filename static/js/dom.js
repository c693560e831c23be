/** Small helpers for building and finding elements; nothing here knows about trading. */

/**
 * The element with this id; a missing one is a mistake in the template and says so.
 * @template {HTMLElement} T
 * @param {string} id @param {new () => T} [kind] @returns {T}
 */
export function byId(id, kind) {
  const found = document.getElementById(id)
  if (!found || (kind && !(found instanceof kind))) throw new Error(`The page has no #${id}.`)
  return /** @type {T} */ (found)
}

/**
 * @param {string} tag @param {Record<string, string | boolean | undefined>} [attributes]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElement}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  setAll(element, attributes)
  element.append(...children.filter((child) => child !== null && child !== undefined))
  return element
}

/**
 * @param {string} tag @param {Record<string, string | boolean | undefined>} [attributes]
 * @param {...Node} children
 */
export function makeSvg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag)
  setAll(element, attributes)
  element.append(...children)
  return element
}

/** @param {Element} element @param {Record<string, string | boolean | undefined>} attributes */
function setAll(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue
    element.setAttribute(name, value === true ? "" : value)
  }
}

/** @param {string} name a symbol of partials/icons.html */
export function icon(name) {
  return makeSvg(
    "svg",
    { class: "icon", "aria-hidden": "true" },
    makeSvg("use", { href: `#i-${name}` }),
  )
}

/** Sets text only when it differs: a live region must not speak twice. @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** JSON the template left in the page. @param {string} id */
export function pageData(id) {
  return JSON.parse(byId(id).textContent ?? "null")
}

/** A style token's value, for the canvas. @param {string} name */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

/**
 * @template {unknown[]} A
 * @param {(...args: A) => void} action @param {number} ms
 */
export function debounce(action, ms) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer
  return (/** @type {A} */ ...args) => {
    clearTimeout(timer)
    timer = setTimeout(() => action(...args), ms)
  }
}
