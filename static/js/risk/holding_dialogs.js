/** Declaring a holding managed, moving its stop, and ending it: one dialog each, that says what will count from then on. */
import { make } from "testudo/dom.js"
import { figure, money } from "testudo/format.js"
import { call } from "testudo/net/api.js"
import { ask, field } from "testudo/risk/ask_dialog.js"

/** @typedef {import("testudo/net/api.js").Answer} Answer */
/** @typedef {import("testudo/risk/types.js").Holding} Holding */
/** @typedef {import("testudo/risk/types.js").Managed} Managed */
/** @typedef {{id: string, currency: string}} Account */

const FIGURES = /** @type {const} */ (["quantity", "entry", "stop"])
/** 60,000 is sixty thousand to one reader and sixty to another: neither is guessed. */
const GROUPED = /^\d{1,3}(,\d{3})+(\.\d+)?$/

/** @param {Account} account @param {Holding} holding @param {string | undefined} room of heat, in the currency @returns {Promise<Answer | null>} */
export function askDeclare(account, { asset, quantity }, room) {
  const { id, currency } = account
  const number = { inputmode: "decimal", spellcheck: "false", maxlength: "40" }
  return ask({
    title: `Declare ${asset} managed`,
    action: "Declare it managed",
    keep: "Leave it apart",
    content: [
      make("p", {}, `Its worth joins equity, and what it may lose joins heat${room === undefined ? "" : `, which has room for ${money(room)} ${currency}`}. Nothing is bought, sold or placed, and a flatten does not sell it: closing it stays with you.`),
      field({ name: "quantity", label: `Quantity, ${asset}`, required: true, value: quantity, "data-missing": `Say how much ${asset} is to count.`, hint: `${figure(quantity)} ${asset} are apart now.`, ...number }),
      field({ name: "entry", label: `Entry price, ${currency}`, required: true, "data-missing": `Say what one ${asset} cost.`, hint: `What one ${asset} cost you.`, ...number }),
      field({ name: "stop", label: `Your stop, ${currency} (optional)`, hint: "The one that rests on the exchange: Testudo places none here. Left empty, the whole worth counts as heat.", ...number }),
    ],
    send: async (form) => {
      const typed = FIGURES.map((name) => /** @type {[string, string]} */ ([name, String(form.get(name)).trim()]))
      const grouped = typed.filter(([, text]) => GROUPED.test(text))
      if (grouped.length) return refused(grouped)
      const said = Object.fromEntries(typed.filter(([, text]) => text))
      return call("POST", `/api/v1/accounts/${id}/holdings`, { body: { symbol: asset + currency, ...said } })
    },
  })
}

/** @param {Account} account @param {Managed} managed @returns {Promise<Answer | null>} */
export function askStop({ id, currency }, managed) {
  const { asset, stop } = managed
  return ask({
    title: `Move the stop of ${asset}`,
    action: "Move the stop",
    keep: "Leave it",
    content: [
      make("p", {}, `What ${asset} may lose is counted by this stop from then on. Testudo places none here: move your own on the exchange as well.`),
      field({ name: "stop", label: `Your stop, ${currency}`, required: true, "data-missing": "Say where the stop is.", hint: stop === null ? "Until now the whole worth counts as heat." : `Now at ${figure(stop)}; it moves only towards the price.`, inputmode: "decimal", spellcheck: "false", maxlength: "40" }),
    ],
    send: async (form) => {
      const text = String(form.get("stop")).trim()
      if (GROUPED.test(text)) return refused([["stop", text]])
      return call("PATCH", `/api/v1/accounts/${id}/holdings/${managed.id}`, { body: { stop: text } })
    },
  })
}

/** @param {Account} account @param {Managed} managed @returns {Promise<Answer | null>} */
export function askEnd({ id, currency }, managed) {
  const { asset, worth, heat } = managed
  return ask({
    title: `Stop counting ${asset}`,
    action: "Stop counting it",
    keep: "Keep it managed",
    content: [
      make("p", {}, `${figure(managed.quantity)} ${asset} count nowhere from then on: about ${money(worth)} ${currency} leave equity, and ${money(heat)} ${currency} leave heat.`),
      make("p", {}, "Nothing is sold or cancelled: the coins, and what they may lose, stay on the exchange. As this makes room for new risk, your password is asked for."),
    ],
    send: () => call("DELETE", `/api/v1/accounts/${id}/holdings/${managed.id}`),
  })
}

/** What the server would say, had it been asked. @param {[string, string][]} grouped @returns {Answer} */
function refused(grouped) {
  const errors = grouped.map(([name, text]) => ({ field: name, message: `Write ${text.replaceAll(",", "")}, without the commas.` }))
  return { status: 400, ok: false, body: { errors } }
}
