/** The last alerts and their states, newest first. */

import { announce, byId, counted, element, setAttribute, setHidden, setText } from "./dom.js";

/** What a state means to whoever sees it for the first time. */
const MEANINGS = {
  queued: "waits in its queue",
  sending: "is being sent",
  delivered: "was confirmed by the destination",
  parked: "is kept as a dead letter and tried again later",
  failed: "is not tried again, a person is told",
  waived: "was given up by an operator",
  suppressed: "is not sent, its recipient opted out",
  superseded: "is not sent, a newer version was",
  erased: "was erased on request",
};

const WAITING = new Set(["queued", "parked"]);
const CHANNELS = { slack: "Slack", monday: "Monday.com", email: "E-mail", webhook: "Webhook" };

/** Keeps one row an alert in step with what the local system tells. */
export class Alerts {
  #list = byId("alerts");
  #rows = new Map(); // id → {node, state, …the parts that change}
  #first = true;

  /** @param {object[]} alerts  in any order */
  update(alerts) {
    const newest = [...alerts].sort((one, other) => String(other.created_at).localeCompare(String(one.created_at)));
    const ids = new Set(newest.map(({ id }) => id));
    for (const [id, row] of this.#rows) {
      if (!ids.has(id)) {
        row.node.remove();
        this.#rows.delete(id);
      }
    }
    newest.forEach((alert, place) => this.#place(alert, place));
    setHidden(byId("alerts-empty"), newest.length > 0);
    this.#first = false;
  }

  #place(alert, place) {
    let row = this.#rows.get(alert.id);
    if (row === undefined) {
      row = drawRow(alert);
      this.#rows.set(alert.id, row);
    }
    if (this.#list.children[place] !== row.node) this.#list.insertBefore(row.node, this.#list.children[place] ?? null);
    if (row.state !== alert.state) {
      if (!this.#first) announce(`Alert for ${channelOf(alert)}: ${alert.state}`);
      row.state = alert.state;
    }
    fillRow(row, alert);
  }
}

function drawRow(alert) {
  const state = element("span", { class: "state-word" });
  const pill = element("span", { class: "state" }, element("span", { class: "dot", "aria-hidden": "true" }), state);
  const detail = element("p", { class: "alert-detail", dir: "auto" });
  const when = element("p", { class: "alert-when" });
  const title = element("p", { class: "alert-title" }, kindOf(alert), element("span", { class: "to" }, ` to ${channelOf(alert)}`));
  const node = element("li", { class: "alert" }, pill, element("div", { class: "alert-main" }, title, detail), when);
  return { node, pill, word: state, detail, when, state: null };
}

function fillRow(row, alert) {
  setAttribute(row.node, "data-state", alert.state);
  setText(row.word, alert.state);
  setAttribute(row.pill, "title", Object.hasOwn(MEANINGS, alert.state) ? MEANINGS[alert.state] : alert.state);
  setText(row.detail, detailOf(alert));
  setText(row.when, whenOf(alert, Date.now()));
  setAttribute(row.node, "title", `Alert ${alert.id}`);
}

function kindOf(alert) {
  const words = String(alert.kind ?? "alert").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function channelOf(alert) {
  return Object.hasOwn(CHANNELS, alert.channel) ? CHANNELS[alert.channel] : String(alert.channel);
}

function detailOf(alert) {
  const attempts = Array.isArray(alert.attempts) ? alert.attempts.length : Number(alert.attempts ?? 0);
  const parts = [attempts === 0 ? "not tried yet" : counted(attempts, "attempt")];
  if (alert.cause) parts.push(String(alert.cause));
  return parts.join(" · ");
}

/** When it moves next while it waits, when it last moved otherwise. */
function whenOf(alert, now) {
  const wake = Date.parse(alert.wake_at);
  if (WAITING.has(alert.state) && !Number.isNaN(wake)) {
    return wake > now ? `next try in ${span(wake - now)}` : "due now";
  }
  const moved = Date.parse(alert.updated_at ?? alert.created_at);
  if (Number.isNaN(moved)) return "";
  return now - moved < 5000 ? "just now" : `${span(now - moved)} ago`;
}

function span(milliseconds) {
  const seconds = Math.max(1, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
