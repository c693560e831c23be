/** Halt, flatten and resume: one dialog each, with a reason that the decision log keeps. */
import { make } from "testudo/dom.js"
import { call } from "testudo/net/api.js"
import { ask, field, tick } from "testudo/risk/ask_dialog.js"

/** @typedef {import("testudo/net/api.js").Answer} Answer */

/** @param {string} account id @returns {Promise<Answer | null>} */
export function askHalt(account) {
  return ask({
    title: "Halt trading",
    action: "Halt trading",
    keep: "Keep trading",
    content: [
      make("p", {}, "No new trade is taken from now on. Stops and targets stay on the exchange, and you can always close. Resuming asks for your password and a reason."),
      field({ name: "reason", label: "Reason", required: true, maxlength: "200", hint: "For yourself, later." }),
      tick("cancel_entries", "Cancel entries that wait.", "Those not filled yet."),
      tick("flatten", "Close every position at the market.", "Sells what your trades hold, never coins you brought."),
    ],
    send: (form) => call("POST", `/api/v1/accounts/${account}/halt`, {
      body: { reason: form.get("reason"), cancel_entries: form.has("cancel_entries"), flatten: form.has("flatten") },
    }),
  })
}

/** Also once halted: a halt alone closes nothing. @param {string} account id @returns {Promise<Answer | null>} */
export function askFlatten(account) {
  return ask({
    title: "Close everything",
    action: "Close everything",
    keep: "Keep my positions",
    content: [
      make("p", {}, "Every position of your trades is sold at the market, entries that wait are cancelled, and no new trade is taken until you resume. Coins you brought are not sold, nor those you declared managed."),
      field({ name: "reason", label: "Reason", required: true, maxlength: "200", hint: "For yourself, later." }),
    ],
    send: (form) => call("POST", `/api/v1/accounts/${account}/flatten`, { body: { reason: form.get("reason") } }),
  })
}

/** @param {string} account id @returns {Promise<Answer | null>} */
export function askResume(account) {
  return ask({
    title: "Resume trading",
    action: "Resume trading",
    keep: "Stay halted",
    content: [
      make("p", {}, "New trades are taken again, within your limits. A limit that is still broken keeps its own breaker open."),
      field({ name: "reason", label: "What has changed?", required: true, maxlength: "200", hint: "For yourself, later." }),
    ],
    send: (form) => call("POST", `/api/v1/accounts/${account}/resume`, { body: { reason: form.get("reason") } }),
  })
}
