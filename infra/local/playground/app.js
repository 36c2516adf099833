/** The playground: keeps the page in step with the local system, and breaks it on request. */

import { Alerts } from "./alerts.js";
import { startChat } from "./chat.js";
import { announce, byId, element, setAttribute, setHidden, setText } from "./dom.js";
import { Inbox } from "./inbox.js";

const RHYTHM = 500; // milliseconds between two looks, while the page is seen
const DEADLINE = 4000;
const FAILURES_SHOWN = 2; // one missed look is no outage

const COMMON_STATUSES = ["500", "502", "503", "429", "400", "401", "403", "404", "410"];
const CONNECTION = ["timeout", "reset", "slow", "down"];
const WORDS = {
  500: "500 · server error", 502: "502 · bad gateway", 503: "503 · unavailable", 429: "429 · rate limited", 400: "400 · bad request",
  401: "401 · unauthorised", 403: "403 · forbidden", 404: "404 · not found", 410: "410 · gone", timeout: "timeout · never answers",
  reset: "reset · cuts the connection", slow: "slow · a byte at a time", down: "down · refuses connections",
};

const inbox = new Inbox();
const alerts = new Alerts();
let failures = 0;
let timer = null;
let looking = false;
let knownModes = "";
let changes = 0; // a look that began before the last change of the switch is out of date

/** An answer came, and it says no. */
class Refusal extends Error {}

async function call(path, options = {}) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(DEADLINE), ...options });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refusal(String(problem.detail ?? problem.error ?? `status ${answer.status}`));
  }
  return answer;
}

async function look() {
  const paths = ["/_local/slack/received", "/_local/slack/fault", "/_local/alerts?limit=20"];
  return Promise.all(paths.map(async (path) => (await call(path)).json()));
}

function show([received, fault, last], before) {
  inbox.update(received);
  alerts.update(last.alerts);
  if (before === changes) showFault(fault);
}

async function tick() {
  clearTimeout(timer);
  if (looking || document.visibilityState !== "visible") return;
  looking = true;
  const before = changes;
  try {
    const seen = await look().then((all) => ({ all }), (error) => ({ error }));
    failures = seen.error ? failures + 1 : 0;
    showLink(seen.error);
    if (seen.all) show(seen.all, before);
  } finally {
    looking = false;
    timer = setTimeout(tick, RHYTHM);
  }
}

function showLink(error) {
  if (failures > 0 && failures < FAILURES_SHOWN) return;
  const lost = failures > 0;
  setAttribute(byId("link"), "data-state", lost ? "lost" : "live");
  setText(byId("link-text"), lost ? "Not reachable" : "Live");
  if (lost) setText(byId("unreachable-what"), whatIsLost(error));
  setHidden(byId("unreachable"), !lost);
  document.body.classList.toggle("lost", lost);
  for (const id of ["switch", "mode", "retry-job"]) byId(id).disabled = lost;
}

function whatIsLost(error) {
  return error instanceof Refusal ? `A part of the local system fails: ${error.message}` : "The local system does not answer.";
}

function showFault({ fault, modes }) {
  offerModes(modes);
  const broken = fault !== null;
  setAttribute(byId("switch"), "aria-checked", String(broken));
  setAttribute(byId("slack-state"), "data-broken", String(broken));
  setText(byId("slack-state-text"), broken ? brokenWords(fault) : "Slack takes messages.");
  if (broken && document.activeElement !== byId("mode")) byId("mode").value = fault.mode;
}

function brokenWords({ mode, rate }) {
  const share = rate < 1 ? `${Math.round(rate * 100)} % of requests fail` : "Slack is broken";
  return `${share}: ${Object.hasOwn(WORDS, mode) ? WORDS[mode] : mode}. Leads wait, none is lost.`;
}

function offerModes(modes) {
  const text = modes.join();
  if (text === knownModes) return;
  knownModes = text;
  const chosen = byId("mode").value;
  const isStatus = (mode) => /^\d{3}$/.test(mode);
  byId("mode").replaceChildren(
    group("Answers", COMMON_STATUSES.filter((mode) => modes.includes(mode))),
    group("Connection", CONNECTION.filter((mode) => modes.includes(mode))),
    group("Slack’s own errors", modes.filter((mode) => !isStatus(mode) && !CONNECTION.includes(mode))),
    group("Other answers", modes.filter((mode) => isStatus(mode) && !COMMON_STATUSES.includes(mode))),
  );
  byId("mode").value = modes.includes(chosen) ? chosen : modes[0];
}

function group(label, modes) {
  const options = modes.map((mode) => element("option", { value: mode }, Object.hasOwn(WORDS, mode) ? WORDS[mode] : mode));
  return element("optgroup", { label }, ...options);
}

async function breakSlack(broken) {
  const mode = byId("mode").value;
  changes += 1;
  const options = broken
    ? { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ mode }) }
    : { method: "DELETE" };
  try {
    await call("/_local/slack/fault", options);
    showFault({ fault: broken ? { mode, rate: 1 } : null, modes: knownModes.split(",") });
    announce(byId("slack-state-text").textContent);
  } catch (error) {
    setText(byId("slack-state-text"), `That did not work: ${error.message}`);
  }
  changes += 1;
  tick();
}

async function runRetryJob() {
  const button = byId("retry-job");
  button.setAttribute("aria-busy", "true");
  try {
    await call("/_local/jobs/retry_dead_letters/run", { method: "POST" });
    setText(byId("retry-result"), `The retry job ran at ${new Date().toLocaleTimeString()}.`);
  } catch (error) {
    setText(byId("retry-result"), `The retry job did not run: ${error.message}`);
  }
  button.removeAttribute("aria-busy");
  tick();
}

byId("switch").addEventListener("click", () => breakSlack(byId("switch").getAttribute("aria-checked") !== "true"));
byId("mode").addEventListener("change", () => {
  if (byId("switch").getAttribute("aria-checked") === "true") breakSlack(true);
});
byId("retry-job").addEventListener("click", runRetryJob);
document.addEventListener("visibilitychange", tick);
startChat();
tick();
