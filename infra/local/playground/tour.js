/** The guided tour: break Slack, write, see it parked, mend, see it arrive. Each step can be done by hand as well. */

import { byId, element, setAttribute, setHidden, setText } from "./dom.js";
import * as local from "./local.js";

const MESSAGE = "Hi, call me about my kitchen, ana@example.com";

/** title; text; the button's label and what it does (none: it only waits); done: whether the next step's time has come. */
const STEPS = [
  {
    name: "Break Slack",
    title: "First, break Slack.",
    text: "From now on it refuses every connection, as in an outage. The switch beside its inbox can do more than that.",
    act: "Break Slack",
    does: ({ slack }) => slack.set(true, "down"),
    done: ({ slack }) => slack.broken,
  },
  {
    name: "Write",
    title: "Now be a visitor.",
    text: "Write in the chat and leave an address, or let us write for you.",
    act: "Write for me",
    does: ({ write }) => write(MESSAGE),
    done: ({ alert }) => alert !== undefined,
  },
  {
    name: "Parked",
    title: "The visitor has their answer. Slack has nothing.",
    text: "The alert was written together with the reply, so it cannot get lost. It is tried three times, then parked.",
    done: ({ alert }) => alert?.state === "parked",
  },
  {
    name: "Mend",
    title: "Parked: kept safe until Slack is back.",
    text: "It would be tried every five minutes. Mend Slack, and send it now as an operator would.",
    act: "Mend and send",
    does: async ({ slack, alert }) => {
      await slack.set(false);
      if (alert?.state === "parked") await local.redrive(alert.id).catch(() => null); // it may have gone by itself
    },
    done: ({ slack, alert }) => !slack.broken && alert?.state !== "parked",
  },
  {
    name: "Arrives",
    title: "Slack is well again.",
    text: "The lead is on its way.",
    done: ({ alert }) => alert?.state === "delivered",
  },
];
const END = {
  title: "It arrived. Nothing was lost.",
  text: "That is what Bellhop does, also when a process is killed half-way. Try that too: the machine room is below.",
};
const INVITATION = {
  title: byId("tour-title").textContent, text: byId("tour-text").textContent, act: byId("tour-act").textContent,
};

export class Tour {
  #step = null; // null: not begun; STEPS.length: done
  #began = "";
  #known = new Set();
  #busy = false;

  /**
   * @param {object} slack    the destination
   * @param {Function} write  writes a message in the visitor's chat
   * @param {Function} look   shows Slack's inbox
   */
  constructor(slack, write, look) {
    this.slack = slack;
    this.write = write;
    this.look = look;
    byId("tour-act").addEventListener("click", () => this.#act());
    byId("tour-end").addEventListener("click", () => this.#end());
    byId("tour-steps").append(...STEPS.map(({ name }) => element("li", {}, name)));
  }

  /** @param {object[]} alerts  as they are now: the tour goes on when what it waits for has come about */
  update(alerts) {
    this.alerts = alerts;
    if (this.#step === null || this.#step >= STEPS.length) return;
    while (this.#step < STEPS.length && STEPS[this.#step].done(this.#seen())) this.#step += 1;
    this.#show();
  }

  /** The lead of this tour is Slack's first one since it began. */
  #seen() {
    const ours = (this.alerts ?? []).filter(({ id, channel, kind }) => channel === "slack" && kind === "lead" && !this.#known.has(id));
    return { slack: this.slack, write: this.write, alert: ours.at(-1) };
  }

  async #act() {
    if (this.#busy) return;
    if (this.#step === null || this.#step >= STEPS.length) return this.#begin();
    this.#busy = true;
    this.#show();
    await STEPS[this.#step].does?.(this.#seen());
    byId("tour-act").focus(); // the chat took it
    this.#busy = false;
    return this.update(this.alerts);
  }

  async #begin() {
    this.#step = 0;
    this.#known = new Set((this.alerts ?? []).map(({ id }) => id));
    this.look();
    if (this.slack.broken) await this.slack.set(false);
    this.#show();
  }

  #end() {
    this.#step = null;
    this.#show();
    byId("tour-act").focus();
  }

  #show() {
    const step = this.#step;
    const over = step !== null && step >= STEPS.length;
    const { title, text, act } = step === null ? INVITATION : over ? { ...END, act: "Once more" } : STEPS[step];
    setText(byId("tour-title"), title);
    setText(byId("tour-text"), text);
    setText(byId("tour-act"), act ?? "Watch…");
    setAttribute(byId("tour-act"), "aria-disabled", String(act === undefined || this.#busy)); // not disabled: focus stays
    setHidden(byId("tour-end"), step === null);
    setHidden(byId("tour-steps"), step === null);
    for (const [place, item] of [...byId("tour-steps").children].entries()) {
      setAttribute(item, "data-state", step === null || place > step ? "ahead" : place < step ? "done" : "now");
      if (place === step) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    }
    document.body.dataset.tour = step === null ? "no" : over ? "over" : String(step);
  }
}
