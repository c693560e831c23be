/** Opens a first practice account, then shows the desk. */
import { byId, say } from "testudo/dom.js"
import { call, NoAnswer, reason } from "testudo/net/api.js"

const form = byId("open-paper", HTMLFormElement)
const error = /** @type {HTMLElement} */ (form.querySelector("[role=alert]"))

form.addEventListener("submit", async (event) => {
  event.preventDefault()
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"))
  button.disabled = true
  error.hidden = true
  try {
    const body = { venue: "paper", name: "Practice" }
    const answer = await call("POST", "/api/v1/exchange-accounts", { body })
    if (answer.ok) return location.reload()
    say(error, reason(answer))
  } catch (problem) {
    if (!(problem instanceof NoAnswer)) throw problem
    say(error, problem.message)
  }
  error.hidden = false
  button.disabled = false
})
