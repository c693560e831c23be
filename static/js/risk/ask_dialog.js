/**
 * Asks before something is sent: what will happen, what else must be said (a reason), and, where the
 * door wants it, the password once more. Refusals stay in the dialog, at the field they concern.
 */
import { icon, make, say } from "testudo/dom.js"
import { call, mayStepUp, NoAnswer, reason } from "testudo/net/api.js"

/** @typedef {import("testudo/net/api.js").Answer} Answer */
/**
 * @typedef {{title: string, content?: (Node | string)[], action: string, keep?: string,
 *   send: (form: FormData) => Promise<Answer>}} Question
 *   `action` names the button that sends, `keep` the one that does not
 */

let count = 0

/**
 * A labelled field of a dialog, with its hint and room for what is wrong with it.
 * @param {{name: string, label: string, hint?: string, type?: string, autocomplete?: string,
 *   required?: boolean, maxlength?: string, value?: string, inputmode?: string, spellcheck?: string,
 *   "data-missing"?: string}} about `data-missing`: what is said where it is required and empty
 */
export function field({ name, label, hint = "", type = "text", ...more }) {
  const id = `ask-${++count}-${name}`
  const input = make("input", { id, name, type, "aria-describedby": `${id}-hint ${id}-error`, autocomplete: "off", ...more })
  return make("div", { class: "field", "data-field": name },
    make("label", { for: id }, label), input,
    hint ? make("p", { class: "muted field-hint", id: `${id}-hint` }, hint) : null,
    make("p", { class: "field-error", id: `${id}-error`, role: "alert", hidden: true }))
}

/** @param {string} name @param {string} label @param {string} hint */
export function tick(name, label, hint) {
  return make("label", { class: "ask-tick" },
    make("input", { type: "checkbox", name }),
    make("span", {}, make("strong", {}, label), make("span", { class: "muted" }, ` ${hint}`)))
}

/** @param {Question} question @returns {Promise<Answer | null>} the good answer; null where it was left */
export function ask(question) {
  return new Promise((resolve) => new AskDialog(question, resolve))
}

class AskDialog {
  #question
  #resolve
  #password = field({ name: "password", label: "Your password, once more", type: "password", autocomplete: "current-password" })
  #trouble = make("p", { class: "notice notice-alarm ask-trouble", role: "alert", hidden: true })
  #send
  #form
  #dialog
  /** @type {Answer | null} */
  #good = null
  #before = document.activeElement

  /** @param {Question} question @param {(answer: Answer | null) => void} resolve */
  constructor(question, resolve) {
    this.#question = question
    this.#resolve = resolve
    const { title, content = [], action, keep = "Cancel" } = question
    const heading = `ask-title-${++count}`
    this.#password.hidden = true
    this.#send = /** @type {HTMLButtonElement} */ (make("button", { class: "button button-primary", type: "submit" }, action))
    const leave = make("button", { class: "button", type: "button" }, keep)
    this.#form = /** @type {HTMLFormElement} */ (make("form", { class: "ask-form", novalidate: true },
      make("h2", { id: heading }, title), ...content, this.#password, this.#trouble,
      make("div", { class: "ask-buttons" }, leave, this.#send)))
    this.#dialog = /** @type {HTMLDialogElement} */ (make("dialog", { class: "ask", "aria-labelledby": heading }, this.#form))
    leave.addEventListener("click", () => this.#dialog.close())
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault()
      this.#submit()
    })
    this.#dialog.addEventListener("close", () => this.#closed())
    document.body.append(this.#dialog)
    this.#dialog.showModal()
  }

  #closed() {
    this.#dialog.remove()
    if (this.#before instanceof HTMLElement && this.#before.isConnected) this.#before.focus()
    this.#resolve(this.#good)
  }

  async #submit() {
    if (this.#send.disabled || !this.#complete()) return
    this.#send.disabled = true
    say(this.#send, "Sending…")
    this.#complain("")
    try {
      const data = new FormData(this.#form)
      const answer = (await this.#stepUp(data)) ?? (await this.#question.send(data))
      this.#take(answer)
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
      this.#complain(`${error.message} It may or may not have been taken: look at the page before you send it again.`)
    } finally {
      this.#send.disabled = false
      say(this.#send, this.#question.action)
    }
  }

  /** @returns {boolean} every required field says something */
  #complete() {
    const fields = /** @type {HTMLInputElement[]} */ ([...this.#form.querySelectorAll("input[required]")])
    for (const input of fields) this.#wrong(input.name, input.value.trim() ? "" : input.dataset.missing ?? "Say it in a few words; it is kept in the decision log.")
    if (!this.#password.hidden) {
      const typed = /** @type {HTMLInputElement} */ (this.#password.querySelector("input")).value
      this.#wrong("password", typed ? "" : "Type your password.")
    }
    const first = /** @type {HTMLElement | null} */ (this.#form.querySelector("[aria-invalid=true]"))
    first?.focus()
    return !first
  }

  /** @param {FormData} data @returns {Promise<Answer | null>} the refusal of the password, if it was */
  async #stepUp(data) {
    const password = data.get("password")
    data.delete("password")
    if (this.#password.hidden) return null
    const answer = await call("POST", "/api/v1/step-up", { body: { password } })
    if (!answer.ok) return answer
    this.#password.hidden = true
    return null
  }

  /** @param {Answer} answer */
  #take(answer) {
    if (answer.ok) {
      this.#good = answer
      return this.#dialog.close()
    }
    if (mayStepUp(answer)) return this.#askPassword()
    /** @type {import("testudo/net/api.js").FieldError[]} */
    const errors = answer.body?.errors ?? []
    const here = errors.filter(({ field: name, message }) => this.#wrong(name, message))
    if (here.length < Math.max(1, errors.length)) this.#complain(reason(answer))
    const first = /** @type {HTMLElement | null} */ (this.#form.querySelector("[aria-invalid=true]"))
    first?.focus()
  }

  #askPassword() {
    this.#password.hidden = false
    const input = /** @type {HTMLInputElement} */ (this.#password.querySelector("input"))
    input.value = ""
    this.#wrong("password", "")
    input.focus()
  }

  /** @param {string} name @param {string} message @returns {boolean} whether there is such a field */
  #wrong(name, message) {
    const box = this.#form.querySelector(`[data-field="${CSS.escape(name)}"]`)
    const error = /** @type {HTMLElement | null} */ (box?.querySelector(".field-error"))
    if (!box || !error) return false
    error.hidden = !message
    say(error, message)
    box.querySelector("input")?.setAttribute("aria-invalid", String(Boolean(message)))
    return true
  }

  /** @param {string} text */
  #complain(text) {
    this.#trouble.hidden = !text
    if (text) this.#trouble.replaceChildren(icon("warn"), make("span", {}, text))
  }
}
