/** Speaks to /api/v1/: JSON, session cookie, CSRF header. A refusal (400, 409, …) is an answer too. */

/**
 * @typedef {{field: string, value?: unknown, message: string}} FieldError
 * @typedef {{title?: string, status?: number, code?: string, detail?: string, errors?: FieldError[],
 *   verdicts?: import("testudo/desk/types.js").Verdict[]}} Problem
 * @typedef {{status: number, ok: boolean, body: any}} Answer
 */

/** The request may or may not have reached the server. */
export class NoAnswer extends Error {}

/** @returns {string} */
function csrf() {
  const field = document.querySelector("input[name=csrfmiddlewaretoken]")
  return field instanceof HTMLInputElement ? field.value : ""
}

/**
 * @param {string} method @param {string} url
 * @param {{body?: unknown, headers?: Record<string, string>, signal?: AbortSignal}} [options]
 * @returns {Promise<Answer>}
 */
export async function call(method, url, { body, headers = {}, signal } = {}) {
  const patience = AbortSignal.timeout(10_000)
  /** @type {Record<string, string>} */
  const sent = { Accept: "application/json", ...headers }
  if (method !== "GET") sent["X-CSRFToken"] = csrf()
  if (body !== undefined) sent["Content-Type"] = "application/json"
  let reply
  try {
    reply = await fetch(url, {
      method,
      headers: sent,
      credentials: "same-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
    })
    const text = await reply.text()
    return { status: reply.status, ok: reply.ok, body: text ? JSON.parse(text) : null }
  } catch (error) {
    if (signal?.aborted) throw error
    if (reply && error instanceof SyntaxError) {
      throw new NoAnswer(`The server answered ${reply.status} with something unreadable.`)
    }
    throw new NoAnswer("The server cannot be reached.", { cause: error })
  }
}

/** @param {string} url @param {AbortSignal} [signal] */
export const get = (url, signal) => call("GET", url, { signal })

/** The door asks for the password once more, and opens then. @param {Answer} answer */
export const mayStepUp = (answer) => answer.status === 403 && answer.body?.code === "step_up_required"

/** @param {Answer} answer a refusal @returns {string} its reason in one sentence */
export function reason(answer) {
  const problem = /** @type {Problem | null} */ (answer.body)
  if (answer.status === 401 || (answer.status === 403 && !mayStepUp(answer))) {
    return "Your session has ended. Reload the page and sign in again."
  }
  const first = problem?.errors?.[0]?.message
  return first ?? problem?.detail ?? problem?.title ?? `The server answered ${answer.status}.`
}

/** A key for one intent to trade; reused when the same intent is sent again. */
export function newKey() {
  // randomUUID exists only on https and localhost; getRandomValues everywhere.
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID()
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) =>
    b.toString(16).padStart(2, "0"),
  ).join("")
}
