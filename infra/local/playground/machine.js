/** The machine room: functions to kill, queues to hold up, jobs to run. */

import { button, byId, element, setAttribute, setText } from "./dom.js";
import * as local from "./local.js";

const QUEUE_VERBS = { pause: ["Pause", "paused"], resume: ["Resume", "open"], purge: ["Purge", "purged"] };

export class Machine {
  #drawn = false;
  #pids = new Map(); // function → the element that shows its processes

  /** @param {object} info  what runs where */
  update(info) {
    if (!this.#drawn) this.#draw(info);
    this.#drawn = true;
    for (const [name, { pids }] of Object.entries(info.functions)) {
      const shown = this.#pids.get(name);
      const text = pids.length > 0 ? `process ${pids.join(", ")}` : "starting again";
      if (shown.textContent !== text && shown.textContent !== "") flash(shown);
      setText(shown, text);
      setAttribute(shown, "data-up", String(pids.length > 0));
    }
  }

  #draw({ functions, queues, jobs, admin_api_key: key }) {
    setText(byId("admin-key"), key);
    byId("functions").replaceChildren(...Object.keys(functions).map((name) => this.#function(name)));
    byId("queues").replaceChildren(...queues.map((name) => this.#queue(name)));
    byId("jobs").replaceChildren(...jobs.map((name) => this.#job(name)));
  }

  #function(name) {
    const state = element("span", { class: "fact" });
    this.#pids.set(name, state);
    const kill = button("secondary", "Kill", () => act(kill, () => local.kill(name), `${name} was killed.`), { "aria-label": `Kill ${name}` });
    return element("li", {}, element("code", {}, name), state, kill);
  }

  #queue(name) {
    const state = element("span", { class: "fact" });
    const verbs = Object.entries(QUEUE_VERBS).map(([verb, [label, done]]) => {
      const change = async () => {
        await local.changeQueue(name, verb);
        if (verb !== "purge") setText(state, done === "paused" ? done : "");
      };
      const made = button("secondary", label, () => act(made, change, `The queue ${name} is ${done}.`), { "aria-label": `${label} the queue ${name}` });
      return made;
    });
    return element("li", {}, element("code", {}, name), state, element("span", { class: "row" }, ...verbs));
  }

  #job(name) {
    const run = button("secondary", "Run now", () => act(run, () => local.runJob(name), `${name} ran.`), { "aria-label": `Run ${name} now` });
    return element("li", {}, element("code", {}, name), element("span", { class: "fact" }), run);
  }
}

/** Do something that takes a moment, and say what came of it. */
async function act(pressed, does, done) {
  pressed.disabled = true;
  try {
    const answer = await does();
    const failed = answer?.status !== undefined && (answer.status === null || answer.status >= 400);
    setText(byId("machine-said"), failed ? `It answered ${answer.status ?? "nothing"}.` : done);
  } catch (error) {
    setText(byId("machine-said"), `That did not work: ${error.message}`);
  }
  pressed.disabled = false;
}

function flash(node) {
  node.classList.remove("arriving");
  requestAnimationFrame(() => node.classList.add("arriving"));
}
