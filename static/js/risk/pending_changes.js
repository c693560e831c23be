/** Limits about to loosen: from, to, the countdown, what else each waits for, and the way to take it back. */
import { make, say } from "testudo/dom.js"
import { call } from "testudo/net/api.js"
import { ask } from "testudo/risk/ask_dialog.js"
import { countDown } from "testudo/risk/countdown.js"
import { inWords, textOf } from "testudo/risk/limit_texts.js"

/** @typedef {import("testudo/risk/types.js").Change} Change */
/** @typedef {import("testudo/risk/types.js").Profile} Profile */

export class PendingChanges {
  #list
  #done
  #shown = ""

  /** @param {HTMLElement} list @param {(profile: Profile) => void} done called with the profile after one was withdrawn */
  constructor(list, done) {
    this.#list = list
    this.#done = done
  }

  /** @param {Profile} profile */
  show(profile) {
    const key = JSON.stringify(profile.pending)
    if (key === this.#shown) return
    this.#shown = key
    this.#list.replaceChildren(...profile.pending.map((change) => this.#row(change, profile)))
  }

  /** @param {Change} change @param {Profile} profile */
  #row(change, profile) {
    // The name says the unit's base; "3 % → 5 %" is what is to be read at a glance.
    const limit = textOf(profile, change.name)
    const { title } = change
    const [from, to] = [inWords(limit, change.from), inWords(limit, change.to)]
    const time = make("strong", { class: "pending-left" })
    countDown(time, change.earliest_at, "now")
    const button = make("button", { class: "button button-small", type: "button", "aria-label": `Withdraw: ${title} to ${to}` }, "Withdraw")
    button.addEventListener("click", () => this.#withdraw(change, `${title} stays at ${from}.`))
    const waits = change.waits_for?.length ? `Waits for ${listed(change.waits_for)}.` : ""
    return make("li", { class: "pending-row", "data-id": change.id },
      make("div", {},
        make("p", {}, make("strong", {}, title), ` ${from} → ${to}`),
        make("p", { class: "muted pending-when" }, "Earliest in ", time, waits ? ` · ${waits}` : "")),
      button)
  }

  /** @param {Change} change @param {string} stays */
  async #withdraw(change, stays) {
    const text = make("p", {})
    say(text, `${stays} Asking again starts the wait anew.`)
    const answer = await ask({
      title: "Withdraw the change",
      action: "Withdraw",
      keep: "Let it wait",
      content: [text],
      send: () => call("DELETE", `/api/v1/risk-profile/changes/${change.id}`),
    })
    if (answer) this.#done(answer.body)
  }
}

/** `a, b and c`. @param {string[]} parts */
export function listed(parts) {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`
}
