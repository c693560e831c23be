/** The limits page: fields, presets, the change as it would act, its review, and the server's answer. */
import { byId, icon, make, pageData, say } from "testudo/dom.js"
import { call, get, NoAnswer, reason } from "testudo/net/api.js"
import { radios } from "testudo/desk/controls.js"
import { clearNotice, notice } from "testudo/desk/notices.js"
import { ask } from "testudo/risk/ask_dialog.js"
import { LimitRow, ZoneRow } from "testudo/risk/limit_row.js"
import { compare, GROUPS, textOf } from "testudo/risk/limit_texts.js"
import { PendingChanges } from "testudo/risk/pending_changes.js"

/** @typedef {import("testudo/risk/types.js").Profile} Profile */

const URL_OF = "/api/v1/risk-profile"
const EVERY_MS = 30_000
const WAITS = "24 hours and the next reset, then a drawdown below half its limit and no open position"
/** @type {Record<string, {name: string, text: string}>} */
const PRESETS = {
  conservative: { name: "Conservative", text: "Half the risk, fewer trades, longer pauses." },
  standard: { name: "Standard", text: "The Protocol's defaults." },
  own: { name: "Your own", text: "As you have set them." },
}

/** @type {{account: import("testudo/desk/types.js").Account}} */
const { account } = pageData("settings-config")
const form = byId("limits-form", HTMLFormElement)
/** @type {ZoneRow} made with the first answer */
let zone
/** @type {Map<string, LimitRow>} */
const rows = new Map()
/** @type {Profile | null} */
let profile = null
/** @type {ReturnType<typeof radios> | null} */
let presets = null
const pending = new PendingChanges(byId("pending"), takePending)

/** @param {boolean} [quietly] only what waits is brought up to date */
async function read(quietly = false) {
  const state = byId("settings-state")
  try {
    const answer = await get(`${URL_OF}?account=${account.id}`)
    if (answer.ok && quietly && profile) return takePending(answer.body)
    if (answer.ok) return take(answer.body)
    if (!quietly) trouble(reason(answer))
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error
    if (!quietly) trouble(error.message)
  }

  /** @param {string} why */
  function trouble(why) {
    state.hidden = false
    say(/** @type {Element} */ (state.querySelector("span")), `Your limits cannot be read. ${why}`)
    byId("settings-retry").hidden = false
  }
}

/** The whole profile: fields are set to it. @param {Profile} fresh */
function take(fresh) {
  profile = fresh
  if (!rows.size) build(fresh)
  for (const row of rows.values()) row.take(fresh)
  zone.take(fresh.reset_zone)
  showPending(fresh)
  byId("settings-state").hidden = true
  form.hidden = false
  weigh()
}

/** What waits, without touching what is being typed; a limit that took effect is shown in full. @param {Profile} fresh */
function takePending(fresh) {
  const moved = profile && JSON.stringify([fresh.limits, fresh.reset_zone]) !== JSON.stringify([profile.limits, profile.reset_zone])
  if (moved && !changes().length) return take(fresh)
  if (profile) profile = { ...profile, pending: fresh.pending }
  showPending(fresh)
  if (profile && !changes().length) for (const row of rows.values()) row.take(profile)
}

/** @param {Profile} fresh */
function showPending(fresh) {
  byId("pending-panel").hidden = fresh.pending.length === 0
  pending.show(fresh)
}

/** @param {Profile} fresh */
function build(fresh) {
  const named = new Set(GROUPS.flatMap((group) => group.names))
  // A limit this page has not heard of is shown all the same.
  const others = Object.keys(fresh.limits).filter((name) => !named.has(name))
  const groups = others.length ? [...GROUPS, { title: "More", text: "", names: others }] : GROUPS
  const sections = groups.map((group) => {
    const known = group.names.filter((name) => name in fresh.limits)
    return section(group.title, group.text, known.map((name) => {
      const row = new LimitRow(textOf(fresh, name), fresh)
      row.addEventListener("change", weigh)
      rows.set(name, row)
      return row.element
    }))
  })
  zone = new ZoneRow(textOf(fresh, "reset_zone"))
  zone.addEventListener("change", weigh)
  byId("groups").replaceChildren(...sections, section("Your day", "When daily and weekly limits begin anew.", [zone.element]))
  buildPresets(fresh)
}

/** @param {string} title @param {string} text @param {HTMLElement[]} children */
function section(title, text, children) {
  return make("section", { class: "panel limit-group", "aria-label": title },
    make("header", { class: "panel-head" }, make("h2", {}, title), make("p", { class: "muted" }, text)), ...children)
}

/** @param {Profile} fresh */
function buildPresets(fresh) {
  const names = [...Object.keys(fresh.presets), "own"]
  byId("presets").replaceChildren(...names.map((name) => make("button", { type: "button", role: "radio", "aria-checked": "false", tabindex: "-1", "data-preset": name }, PRESETS[name]?.name ?? name)))
  presets = radios(byId("presets"), (chosen) => {
    const wanted = profile?.presets[chosen.dataset.preset ?? ""] ?? profile?.limits ?? {}
    for (const row of rows.values()) if (row.name in wanted) row.set(wanted[row.name])
    weigh()
  })
}

/** @returns {LimitRow[]} */
const changes = () => [...rows.values()].filter((row) => row.effect === "tighter" || row.effect === "looser")

/** Says what the fields, as they stand, would do. */
function weigh() {
  const wrong = [...rows.values()].filter((row) => row.effect === "wrong")
  const wanted = changes()
  const now = wanted.filter((row) => row.effect === "tighter").length
  const later = wanted.length - now + (zone.changed ? 1 : 0)
  const total = now + later
  const parts = [now && `${now} ${now === 1 ? "acts" : "act"} at once`, later && `${later} ${later === 1 ? "waits" : "wait"}`].filter(Boolean)
  say(byId("summary"), wrong.length ? `${wrong.map((row) => row.title).join(", ")}: not a value that can be.` : total ? `${total === 1 ? "One change" : `${total} changes`}: ${parts.join(", ")}.` : "Nothing changed.")
  byId("review", HTMLButtonElement).disabled = wrong.length > 0 || total === 0
  byId("undo").hidden = wrong.length === 0 && total === 0
  showPreset()
}

function showPreset() {
  if (!profile || !presets) return
  const same = (/** @type {Record<string, any>} */ set) => [...rows.values()].every((row) => row.effect !== "wrong" && (!(row.name in set) || compare(row.value, set[row.name]) === 0))
  const name = Object.entries(profile.presets).find(([, set]) => same(set))?.[0] ?? "own"
  const item = presets.items.find((one) => one.dataset.preset === name)
  if (item) presets.choose(item)
  say(byId("preset-text"), PRESETS[name]?.text ?? "")
}

async function review() {
  if (!profile || byId("review", HTMLButtonElement).disabled) return
  const wanted = changes()
  const line = (/** @type {string} */ title, /** @type {string} */ from, /** @type {string} */ to) =>
    make("li", {}, make("span", {}, title), make("span", { class: "muted" }, from), make("span", { "aria-hidden": "true" }, "→"), make("strong", {}, make("span", { class: "visually-hidden" }, "to "), to))
  const lines = (/** @type {string} */ effect) => wanted.filter((row) => row.effect === effect).map((row) => line(row.title, row.words(row.current), row.words(row.value)))
  const [now, later] = [lines("tighter"), lines("looser")]
  if (zone.changed) later.push(line("Reset zone", zone.current, zone.value))
  const part = (/** @type {string} */ name, /** @type {string} */ title, /** @type {HTMLElement[]} */ items) =>
    items.length ? make("div", { class: "review-part", "data-part": name }, make("p", { class: "review-part-title" }, icon(name === "now" ? "check" : "clock"), title), make("ul", { class: "review-changes" }, ...items)) : ""
  const limits = Object.fromEntries(wanted.map((row) => [row.name, row.value]))
  const body = { account: account.id, limits, ...(zone.changed ? { reset_zone: zone.value } : {}) }
  /** @type {import("testudo/net/api.js").FieldError[]} */
  let complaints = []
  const answer = await ask({
    title: "Review the change",
    action: "Change the limits",
    content: [part("now", "Stricter: acts at once", now), part("later", `Laxer: waits for ${WAITS}`, later)],
    send: async () => {
      const sent = await call("PUT", URL_OF, { body })
      complaints = sent.ok ? [] : (sent.body?.errors ?? [])
      return sent
    },
  })
  for (const { field, message } of complaints) complain(field, message)
  if (!answer) return
  take(answer.body)
  const said = [now.length && `${now.length} ${now.length === 1 ? "limit is" : "limits are"} stricter from now on.`, later.length && `${later.length} ${later.length === 1 ? "change waits" : "changes wait"}; see its countdown.`].filter(Boolean)
  notice("done", "good", said.join(" "))
}

/** At the field it is about. @param {string} field such as "limits.max_heat" @param {string} message */
function complain(field, message) {
  const name = field.split(".").at(-1) ?? ""
  const row = name === "reset_zone" ? zone : rows.get(name)
  row?.complain(message)
  row?.focus()
}

form.addEventListener("submit", (event) => {
  event.preventDefault()
  clearNotice("done")
  review()
})
byId("undo").addEventListener("click", () => profile && take(profile))
byId("settings-retry").addEventListener("click", () => {
  byId("settings-retry").hidden = true
  read()
})
setInterval(() => document.hidden || read(true), EVERY_MS)
read()
