/** Banners that stay while their cause does: one per cause, replaced in place. */
import { byId, icon, make } from "testudo/dom.js"

/** @type {Map<string, {text: string, element: HTMLElement}>} */
const shown = new Map()

/** @param {string} cause @param {"alarm" | "warn" | "good"} kind @param {string} text @param {{href: string, text: string}} [link] where to read more */
export function notice(cause, kind, text, link) {
  const old = shown.get(cause)
  if (old?.text === text) return
  const element = make("p", { class: `notice notice-${kind}`, "data-cause": cause }, icon(kind === "good" ? "check" : "warn"), make("span", {}, text, link ? make("a", { class: "notice-link", href: link.href }, link.text) : null))
  if (old) old.element.replaceWith(element)
  else byId("notices").append(element)
  shown.set(cause, { text, element })
}

/** @param {string} cause */
export function clearNotice(cause) {
  shown.get(cause)?.element.remove()
  shown.delete(cause)
}
