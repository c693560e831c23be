/**
 * One trade's page while the trade lives: what the server renders is read again whenever something
 * happens, and every ten seconds. Only the parts that differ are put in, so that an open fold, the
 * focus and the reader's place stay, and an alert speaks once.
 */
import { byId, debounce, pageData } from "testudo/dom.js"
import { showLink } from "testudo/shell.js"
import { AccountFeed } from "testudo/desk/account_feed.js"
import { clearNotice, notice } from "testudo/desk/notices.js"
import { ofTrade, UnprotectedAlarm } from "testudo/desk/unprotected.js"

const EVERY_MS = 10_000
const PATIENCE_MS = 10_000
const OLD = "stops rest on the exchange and hold without this page."

/** @type {{trade: string, account: string}} */
const config = pageData("trade-config")
const feed = new AccountFeed(`/ws/account/?account=${config.account}`)
const alarm = new UnprotectedAlarm(byId("unprotected"), { links: false })
const story = byId("story")
let turn = 0
let ended = false

/** @param {Element} fresh as the server has it now */
function take(fresh) {
  for (const part of [...fresh.children]) {
    const old = part.id ? document.getElementById(part.id) : null
    if (!old) continue
    for (const fold of old.querySelectorAll("details[open]")) {
      part.querySelector(`details[data-fold="${/** @type {HTMLElement} */ (fold).dataset.fold}"]`)?.setAttribute("open", "")
    }
    if (old.isEqualNode(part)) continue
    const focused = old.contains(document.activeElement) ? document.activeElement?.closest("[data-fold], [id]") : null
    old.replaceWith(document.adoptNode(part))
    if (!focused) continue
    const fold = /** @type {HTMLElement} */ (focused).dataset.fold
    const again = fold ? document.querySelector(`[data-fold="${fold}"] > summary`) : document.getElementById(focused.id)
    if (again instanceof HTMLElement) again.focus()
  }
  const { unprotected, symbol, base, held, state, since, over, written } = /** @type {HTMLElement} */ (fresh).dataset
  alarm.show(unprotected ? [{ id: config.trade, symbol: symbol ?? "", base, held_quantity: held ?? "0", state: state ?? "", since }] : [])
  // Over, and the journal has it: nothing moves any more.
  ended = Boolean(over && written)
}

async function read() {
  if (ended) return
  const mine = ++turn
  story.setAttribute("aria-busy", "true")
  try {
    const reply = await fetch(`${location.pathname}?part=story`, { signal: AbortSignal.timeout(PATIENCE_MS), credentials: "same-origin" })
    const text = await reply.text()
    if (mine !== turn) return
    if (reply.redirected) return signedOut()
    if (!reply.ok) throw new Error(`the server answered ${reply.status}`)
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("trade-story")
    if (!fresh) throw new Error("the server's answer cannot be read")
    take(fresh)
    clearNotice("story")
  } catch (error) {
    if (mine !== turn) return
    const why = error instanceof TypeError || /** @type {Error} */ (error).name === "TimeoutError" ? "the server cannot be reached" : /** @type {Error} */ (error).message
    notice("story", "alarm", navigator.onLine
      ? `This page may be old: ${why}; trying again. Meanwhile ${OLD}`
      : `You are offline. What is shown is from before; ${OLD}`)
  } finally {
    if (mine === turn) story.setAttribute("aria-busy", "false")
  }
}

function signedOut() {
  ended = true
  notice("account", "alarm", "Your session has ended. Reload the page and sign in again; positions keep their stops.")
}

const soon = debounce(read, 150)

feed.addEventListener("event", (event) => {
  const { trade } = /** @type {CustomEvent} */ (event).detail
  if (trade && trade.id !== config.trade) return
  // At once, as the event has it; the page that is read after it has the last word.
  if (trade) alarm.show(trade.unprotected ? [ofTrade(trade)] : [])
  soon()
})
feed.addEventListener("refetch", soon)
feed.addEventListener("state", (event) => {
  const { up, final } = /** @type {CustomEvent} */ (event).detail
  showLink(!navigator.onLine ? "offline" : up ? "live" : "connecting", up ? "Events of your account arrive." : "Read every ten seconds.")
  if (final) signedOut()
  else if (up) clearNotice("account")
  else notice("account", "warn", `Events of your account do not arrive just now; trying again. What is shown may be some seconds old; ${OLD}`)
})
addEventListener("online", () => read())
addEventListener("offline", () => {
  showLink("offline", "This device is offline.")
  read()
})
document.addEventListener("visibilitychange", () => document.hidden || read())
setInterval(() => document.hidden || read(), EVERY_MS)
