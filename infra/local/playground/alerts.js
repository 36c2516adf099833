/** The last alerts, newest first, each with its life: every attempt and every state it was seen in. */

import { announce, button, byId, element, listOf, setAttribute, setHidden, setText, span } from "./dom.js";
import * as local from "./local.js";

/** What a state means to whoever sees it for the first time. */
const MEANINGS = {
  queued: "waits in its queue",
  sending: "is being sent",
  delivered: "was confirmed by the destination",
  parked: "is kept, and tried again later",
  failed: "is not tried again, a person is told",
  waived: "was given up by an operator",
  suppressed: "is not sent, its recipient opted out",
  superseded: "is not sent, a newer version was",
  erased: "was erased on request",
};
const SAME_MOMENT = 300; // milliseconds: an attempt's time is its end, a state's is its commit
const WAITING = new Set(["queued", "parked"]);
const AGAIN = new Set(["parked", "failed"]);
const CHANNELS = { slack: "Slack", monday: "Monday.com", email: "E-mail", webhook: "Webhook", apprise: "Apprise" };
/** An attempt's outcome, and what it looks like. */
const OUTCOMES = {
  delivered: ["arrived", "good"], retry: ["no luck", "wait"], unknown: ["no answer seen", "wait"], blocked: ["blocked", "bad"], rejected: ["refused", "bad"],
};

/** Keeps one row an alert in step with what the local system tells. */
export class Alerts {
  #list = byId("alerts");
  #rows = new Map(); // id → the parts of its row that change, and the states it was seen in
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
      row.seen.push({ at: Date.parse(alert.updated_at), what: alert.state });
    }
    fillRow(row, alert);
  }
}

function drawRow(alert) {
  const word = element("span", { class: "state-word" });
  const pill = element("span", { class: "state" }, element("span", { class: "dot", "aria-hidden": "true" }), word);
  const life = element("ol", { class: "life", "aria-label": "Its life" });
  const when = element("span", { class: "alert-when" });
  const again = button("plain", "Send it now", () => sendAgain(alert.id, again), { "aria-label": `Send the alert for ${channelOf(alert)} now` });
  const title = element("p", { class: "alert-title" }, kindOf(alert), element("span", { class: "to" }, ` to ${channelOf(alert)}`));
  const node = element("li", { class: "alert", title: `Alert ${alert.id}` }, title, pill, life, element("p", { class: "alert-foot" }, when, again));
  return { node, pill, word, life, when, again, state: null, seen: [], drawn: "" };
}

function fillRow(row, alert) {
  setAttribute(row.node, "data-state", alert.state);
  setText(row.word, alert.state);
  setAttribute(row.pill, "title", Object.hasOwn(MEANINGS, alert.state) ? MEANINGS[alert.state] : alert.state);
  setText(row.when, whenOf(alert, Date.now()));
  setHidden(row.again, !AGAIN.has(alert.state));
  if (!AGAIN.has(alert.state)) row.again.disabled = false;
  const events = lifeOf(alert, row.seen);
  const text = JSON.stringify(events);
  if (text === row.drawn) return;
  row.drawn = text;
  row.life.replaceChildren(...events.map(drawEvent));
}

/** What happened to it, in order: made, each attempt, and the states between that were seen. */
function lifeOf(alert, seen) {
  const made = Date.parse(alert.created_at);
  const tries = listOf(alert.history).map(({ at, outcome, cause }) => {
    const [what, look] = Object.hasOwn(OUTCOMES, outcome) ? OUTCOMES[outcome] : [String(outcome), "idle"];
    return { at: Date.parse(at), what: cause ? `${what}: ${wordsOf(cause)}` : what, look };
  });
  const resting = seen.filter(({ what }) => AGAIN.has(what) || what === "waived" || what === "superseded");
  const states = resting.map(({ at, what }) => ({ at, what, look: what === "parked" ? "wait" : "bad", rest: SAME_MOMENT }));
  const events = [...tries, ...states].sort((one, other) => one.at + (one.rest ?? 0) - other.at - (other.rest ?? 0));
  if (alert.state === "delivered" && !events.some(({ what }) => what === "arrived")) {
    events.push({ at: Date.parse(alert.ended_at), what: "arrived", look: "good" });
  }
  return [{ at: made, what: "saved together with the reply", look: "idle" }, ...events].map((event) => ({ ...event, after: event.at - made }));
}

/** A cause as people say it: http_500 is what the destination answered. */
function wordsOf(cause) {
  return String(cause).replace(/^http_(\d{3})$/, "it answered $1").replaceAll("_", " ");
}

function drawEvent({ what, look, after }) {
  const time = after < 50 ? "0.0 s" : `+${after < 10_000 ? `${(after / 1000).toFixed(1)} s` : span(after)}`;
  return element("li", { "data-look": look }, element("i", {}, time), element("span", { dir: "auto" }, what));
}

async function sendAgain(id, pressed) {
  pressed.disabled = true;
  try {
    await local.redrive(id);
    announce("It is sent again.");
  } catch (error) {
    announce(`That did not work: ${error.message}`);
    pressed.disabled = false;
  }
}

function kindOf(alert) {
  const words = String(alert.kind ?? "alert").replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function channelOf(alert) {
  return Object.hasOwn(CHANNELS, alert.channel) ? CHANNELS[alert.channel] : String(alert.channel);
}

/** When it moves next while it waits, when it last moved otherwise. */
function whenOf(alert, now) {
  const wake = Date.parse(alert.wake_at);
  if (WAITING.has(alert.state) && !Number.isNaN(wake)) {
    return wake > now ? `Next try in ${span(wake - now)}` : "Due now";
  }
  const moved = Date.parse(alert.updated_at ?? alert.created_at);
  if (Number.isNaN(moved)) return "";
  return now - moved < 5000 ? "Just now" : `${span(now - moved)} ago`;
}
