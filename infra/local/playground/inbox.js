/** One destination's inbox: what it accepted, drawn as it would be seen there, and kept in step. */

import { announce, counted, element, setHidden } from "./dom.js";

const SHOWN = 60;
const NEAR_THE_END = 48; // pixels: whoever reads the newest stays with the newest

export class Inbox {
  #drawn = []; // {text, node} of each thing shown, oldest first; text tells whether it changed
  #first = true;

  /**
   * @param {{title: string, noun: string, empty: string, draw: Function, list?: HTMLElement}} kind
   *   draw: an item and when it came (null for what was there before) to a node
   */
  constructor(kind) {
    this.kind = kind;
    this.total = 0;
    this.list = kind.list ?? element("ol", { class: "items" });
    this.empty = element("p", { class: "empty" }, kind.empty);
    this.scroller = element("div", { class: "scroller", tabindex: "0", role: "group", "aria-label": `${kind.title}, oldest first` }, this.list);
    this.node = element("div", { class: `inbox ${kind.className}` }, ...(kind.top ?? []), this.scroller, this.empty);
  }

  /** @param {object[]} items  everything accepted, oldest first; how many are new or changed */
  update(items) {
    const latest = items.slice(-SHOWN);
    const texts = latest.map((item) => JSON.stringify(item));
    const gone = this.#firstKept(texts);
    const pinned = this.scroller.scrollHeight - this.scroller.scrollTop - this.scroller.clientHeight < NEAR_THE_END;
    for (const { node } of this.#drawn.splice(0, gone)) node.remove();
    const news = this.#drawChanged(latest, texts);
    for (const { node } of this.#drawn.splice(texts.length)) node.remove();
    const more = items.length - this.total;
    this.total = items.length;
    setHidden(this.empty, items.length > 0);
    setHidden(this.scroller, items.length === 0);
    if (news > 0 && pinned) this.scroller.scrollTop = this.scroller.scrollHeight;
    if (more > 0 && !this.#first) announce(`${counted(more, `new ${this.kind.noun}`)} in ${this.kind.title}`);
    const told = this.#first ? 0 : news;
    this.#first = false;
    return told;
  }

  #drawChanged(latest, texts) {
    let news = 0;
    for (const [place, text] of texts.entries()) {
      const there = this.#drawn[place];
      if (there?.text === text) continue;
      const node = this.kind.draw(latest[place], this.#first ? null : new Date());
      if (!this.#first) node.classList.add("arriving");
      if (there === undefined) this.list.append(node);
      else there.node.replaceWith(node);
      this.#drawn[place] = { text, node };
      news += 1;
    }
    return news;
  }

  /** How many of the oldest have to go so that the next one is what the new list begins with. */
  #firstKept(texts) {
    if (texts.length < SHOWN) return 0;
    const first = this.#drawn.findIndex(({ text }) => text === texts[0]);
    return first < 0 ? this.#drawn.length : first;
  }
}
