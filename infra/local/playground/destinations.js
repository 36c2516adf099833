/** The team's side: a tab for each destination, with its inbox and the switch that breaks it. */

import { announce, byId, button, element, setAttribute, setHidden, setText } from "./dom.js";
import { Inbox } from "./inbox.js";
import * as local from "./local.js";
import { MAIL, WEBHOOK } from "./mail.js";
import { MONDAY } from "./monday.js";
import { SLACK } from "./slack.js";

const KINDS = { slack: SLACK, monday: MONDAY, smtp: MAIL, webhook: WEBHOOK };
const CONNECTION = ["timeout", "reset", "slow", "down"];
const COMMON = 8; // of the statuses, that many are offered first
const WORDS = {
  500: "500 · server error", 502: "502 · bad gateway", 503: "503 · unavailable", 429: "429 · rate limited", 400: "400 · bad request",
  401: "401 · unauthorised", 403: "403 · forbidden", 404: "404 · not found", 410: "410 · gone", 423: "423 · locked",
  421: "421 · closes", 450: "450 · mailbox busy", 452: "452 · no room", 535: "535 · wrong password", 550: "550 · no such mailbox",
  timeout: "timeout · never answers", reset: "reset · cuts the connection", slow: "slow · a byte at a time", down: "down · refuses connections",
};
const RATES = { 1: "every time", 0.5: "half of the time", 0.2: "1 in 5" };

/** One tab. */
class Destination {
  #modes = "";
  #changes = 0; // a look that began before the last change of the switch is out of date

  constructor(name, choose) {
    const kind = KINDS[name];
    this.name = name;
    this.title = kind.title;
    this.inbox = new Inbox(kind);
    this.count = element("span", { class: "count", "aria-hidden": "true", hidden: true }, "0");
    this.words = element("span", { class: "hidden" }, "");
    this.tab = button("tab", "", () => choose(this), { id: `tab-${name}`, role: "tab", "aria-controls": `panel-${name}`, "aria-selected": "false", tabindex: "-1" });
    this.tab.append(element("span", { class: "dot", "aria-hidden": "true" }), kind.title, this.count, this.words);
    this.mode = element("select", { "aria-label": `How ${kind.title} fails` });
    this.rate = element("select", { "aria-label": `How often ${kind.title} fails` }, ...Object.entries(RATES).map(([value, text]) => element("option", { value }, text)));
    this.rate.value = "1";
    this.switch = button("switch", element("span", { class: "knob", "aria-hidden": "true" }), () => this.flip(), { role: "switch", "aria-checked": "false", "aria-label": `Break ${kind.title}` });
    this.state = element("p", { class: "fault-state" }, `${kind.title} is well.`);
    for (const choice of [this.mode, this.rate]) choice.addEventListener("change", () => this.broken && this.set(true));
    this.panel = element(
      "div", { id: `panel-${name}`, class: "panel", role: "tabpanel", "aria-labelledby": `tab-${name}`, hidden: true },
      element("div", { class: "fault" }, this.switch, element("span", { class: "fault-label", "aria-hidden": "true" }, "Break it"), this.mode, this.rate, this.state),
      this.inbox.node,
    );
  }

  get broken() {
    return this.switch.getAttribute("aria-checked") === "true";
  }

  flip() {
    return this.set(!this.broken);
  }

  /** Break it in the way that is chosen or given, or mend it. */
  async set(broken, mode = this.mode.value) {
    this.#changes += 1;
    try {
      const { fault } = await (broken ? local.breakIt(this.name, mode, Number(this.rate.value)) : local.heal(this.name));
      this.#show(fault);
      announce(this.state.textContent);
    } catch (error) {
      setText(this.state, `That did not work: ${error.message}`);
    }
    this.#changes += 1;
  }

  /** What it accepted and how it is broken, as of now. */
  async look() {
    const before = this.#changes;
    const [items, { fault, modes }] = await Promise.all([local.received(this.name), local.faultOf(this.name)]);
    const news = this.inbox.update(items);
    setText(this.count, String(items.length));
    setHidden(this.count, items.length === 0);
    setText(this.words, `, ${items.length} arrived${fault ? ", broken" : ""}`);
    if (news > 0 && this.panel.hidden) this.tab.dataset.news = "true";
    this.#offer(modes);
    if (before === this.#changes) this.#show(fault);
  }

  #show(fault) {
    const broken = fault !== null;
    setAttribute(this.switch, "aria-checked", String(broken));
    setAttribute(this.tab, "data-broken", String(broken));
    setAttribute(this.state, "data-broken", String(broken));
    if (!broken) return setText(this.state, `${this.title} is well.`);
    if (document.activeElement !== this.mode) this.mode.value = fault.mode;
    if (document.activeElement !== this.rate && fault.rate in RATES) this.rate.value = String(fault.rate);
    return setText(this.state, `${this.title} is broken. What is for it waits, nothing is lost.`);
  }

  #offer(modes) {
    if (modes.join() === this.#modes) return;
    this.#modes = modes.join();
    const statuses = modes.filter((mode) => /^\d{3}$/.test(mode));
    const group = (label, some) => element("optgroup", { label }, ...some.map((mode) => element("option", { value: mode }, WORDS[mode] ?? mode)));
    this.mode.replaceChildren(
      group("Answers", statuses.slice(0, COMMON)),
      group("Connection", modes.filter((mode) => CONNECTION.includes(mode))),
      group(`${this.title}’s own`, modes.filter((mode) => !statuses.includes(mode) && !CONNECTION.includes(mode))),
      group("Other answers", statuses.slice(COMMON)),
    );
    this.mode.value = modes[0];
  }
}

/** All of them. */
export class Destinations {
  constructor() {
    this.every = Object.keys(KINDS).map((name) => new Destination(name, (chosen) => this.choose(chosen)));
    this.byName = Object.fromEntries(this.every.map((each) => [each.name, each]));
    byId("tabs").append(...this.every.map(({ tab }) => tab));
    byId("panels").append(...this.every.map(({ panel }) => panel));
    byId("tabs").addEventListener("keydown", (event) => this.#key(event));
    this.choose(this.every[0]);
  }

  choose(chosen) {
    for (const each of this.every) {
      setHidden(each.panel, each !== chosen);
      setAttribute(each.tab, "aria-selected", String(each === chosen));
      setAttribute(each.tab, "tabindex", each === chosen ? "0" : "-1");
    }
    delete chosen.tab.dataset.news;
    this.chosen = chosen;
  }

  async look() {
    await Promise.all(this.every.map((each) => each.look()));
  }

  /** Arrow keys go from tab to tab (WAI-ARIA, Tabs). */
  #key({ key }) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (step === undefined) return;
    const place = (this.every.indexOf(this.chosen) + step + this.every.length) % this.every.length;
    this.choose(this.every[place]);
    this.every[place].tab.focus();
  }
}
