/**
 * The tags on the plan's lines: handles to hold, sliders for the keyboard, text for everyone.
 * DOM over the canvas, so that they can be focused, read out and themed.
 */
import { LINES } from "testudo/desk/plan.js"
import { make, say } from "testudo/dom.js"

/** @typedef {import("testudo/desk/plan.js").LineName} LineName */
/** @typedef {{text: string, more: string, spoken: string, now: number, least: number, most: number}} TagText */

const NAMES = { entry: "Entry", stop: "Stop", target: "Target" }
const GAP = 25

export class LineTags {
  /** @type {Record<LineName, HTMLElement>} */
  #tags
  /** @type {Partial<Record<LineName, number>>} */
  #heights = {}
  #shown = true

  /** @param {HTMLElement} layer */
  constructor(layer) {
    this.#tags = /** @type {Record<LineName, HTMLElement>} */ (
      Object.fromEntries(
        LINES.map((line) => {
          const tag = make(
            "div",
            {
              class: `tag tag-${line}`,
              role: "slider",
              tabindex: "0",
              "aria-orientation": "vertical",
              "aria-label": `${NAMES[line]} price`,
              "aria-describedby": "tag-keys",
              "data-line": line,
              hidden: true,
            },
            make("span", { class: "tag-grip", "aria-hidden": "true" }),
            make("span", { class: "tag-name", "aria-hidden": "true" }, NAMES[line]),
            make("span", { class: "tag-text", "aria-hidden": "true" }),
            make("span", { class: "tag-text tag-more", "aria-hidden": "true" }),
          )
          layer.append(tag)
          return [line, tag]
        }),
      )
    )
  }

  /** @param {LineName} line */
  element(line) {
    return this.#tags[line]
  }

  /** @param {boolean} on */
  show(on) {
    this.#shown = on
  }

  /** @param {LineName | null} line */
  hold(line) {
    for (const name of LINES) this.#tags[name].classList.toggle("is-held", name === line)
  }

  /** @param {LineName} line @param {TagText} content */
  write(line, { text, more, spoken, now, least, most }) {
    const tag = this.#tags[line]
    say(/** @type {Element} */ (tag.querySelector(".tag-text")), text)
    say(/** @type {Element} */ (tag.querySelector(".tag-more")), more)
    tag.setAttribute("aria-valuetext", spoken)
    tag.setAttribute("aria-valuenow", String(now))
    tag.setAttribute("aria-valuemin", String(least))
    tag.setAttribute("aria-valuemax", String(most))
  }

  /** Where the line is now; a tag outside the pane waits at its edge. @param {LineName} line @param {number | null} y @param {number} height */
  place(line, y, height) {
    const tag = this.#tags[line]
    tag.hidden = y === null || !this.#shown
    if (y === null) delete this.#heights[line]
    else this.#heights[line] = Math.max(14, Math.min(height - 14, y))
  }

  /** Moves tags of close lines apart, so that each can be read and held. @param {number} axisWidth */
  spread(axisWidth) {
    const order = LINES.filter((line) => this.#heights[line] !== undefined).sort(
      (a, b) => /** @type {number} */ (this.#heights[a]) - /** @type {number} */ (this.#heights[b]),
    )
    const heights = order.map((line) => /** @type {number} */ (this.#heights[line]))
    const middle = order.indexOf("entry")
    for (let i = middle - 1; i >= 0; i--) heights[i] = Math.min(heights[i], heights[i + 1] - GAP)
    for (let i = Math.max(middle, 0) + 1; i < heights.length; i++) {
      heights[i] = Math.max(heights[i], heights[i - 1] + GAP)
    }
    order.forEach((line, i) => {
      const { style } = this.#tags[line]
      style.right = `${axisWidth + 8}px`
      style.transform = `translateY(calc(${Math.round(heights[i])}px - 50%))`
    })
  }
}
