/** The conversation on the screen, and the box one writes in. */

const MESSAGE_MOST = 2000; // code points, as the server counts
const COUNTED_FROM = 1800;

/** Draws entries of the memory, each once, and what happens to them. */
class Log {
  #drawn = new Map(); // id → {turn, note, reply}
  #ticking = null;
  #last = null; // {entry, what}: what was said last of one that waits

  /**
   * @param {object} words   the texts of one language
   * @param {string} language
   * @param {{again: Function, edit: Function}} tell  called when a message is to be sent now, or changed
   */
  constructor(words, language, tell) {
    this.words = words;
    this.language = language;
    this.tell = tell;
    this.node = element("div", { class: "log", role: "log", "aria-label": words.log, tabindex: "0" });
  }

  /** Begin with the greeting and what there is. */
  fill(greeting, entries) {
    clearInterval(this.#ticking);
    this.#drawn.clear();
    this.node.replaceChildren(element("div", { class: "turn they" }, this.#bubble(this.words.they, greeting)));
    for (const entry of entries) this.draw(entry);
    const waits = this.#last !== null && entries.find(({ id, state }) => id === this.#last.entry.id && state === "waiting");
    if (waits) this.progress(waits, this.#last.what);
    this.#toEnd();
  }

  /** An entry as it stands. */
  draw(entry) {
    const { turn, note } = this.#of(entry);
    turn.dataset.state = entry.state;
    note.replaceChildren();
    if (entry.state === "answered") this.#answer(entry);
    if (entry.state === "refused") this.#refusal(entry);
    this.#toEnd();
  }

  /** What happens to one that waits. */
  progress(entry, what) {
    const { kind, until } = what;
    this.#last = { entry, what };
    clearInterval(this.#ticking);
    const row = this.#of(entry);
    row.turn.dataset.state = kind;
    row.reply?.remove();
    row.reply = null;
    if (kind === "sending") {
      row.note.replaceChildren();
      row.reply = element("div", { class: "turn they" }, this.#dots());
      row.turn.after(row.reply);
    } else {
      this.#wait(row.note, kind, until);
    }
    this.#toEnd();
  }

  #of(entry) {
    let row = this.#drawn.get(entry.id);
    if (row === undefined) {
      const note = element("div", { class: "note" });
      const turn = element("div", { class: "turn you" }, this.#bubble(this.words.you, shownText(entry)), note);
      row = { turn, note, reply: null };
      this.node.append(turn);
      this.#drawn.set(entry.id, row);
    }
    return row;
  }

  #answer(entry) {
    const row = this.#of(entry);
    row.reply?.remove();
    const handed = entry.handoff ? [element("div", { class: "note" }, icon(ICONS.person), this.words.handed)] : [];
    row.reply = element("div", { class: "turn they" }, this.#bubble(this.words.they, entry.answer), ...handed);
    row.turn.after(row.reply);
  }

  #refusal(entry) {
    this.#of(entry).reply?.remove();
    const change = element("button", { type: "button", class: "plain" }, this.words.edit);
    change.addEventListener("click", () => this.tell.edit(entry));
    const why = filled(this.words.refused, { detail: entry.problem });
    this.#of(entry).note.replaceChildren(icon(ICONS.warn), element("span", {}, why), change);
  }

  /** Say what is waited for and how long; only the number changes, and that is not read out each second. */
  #wait(note, kind, until) {
    const said = element("span", { "aria-hidden": "true" });
    const again = element("button", { type: "button", class: "plain" }, this.words.again);
    const text = () => filled(this.words[kind], { when: this.#when(until) });
    again.addEventListener("click", () => this.tell.again());
    said.textContent = text();
    note.replaceChildren(icon(ICONS.clock), unseen(text()), said, ...(kind === "limited" ? [] : [again]));
    this.#ticking = setInterval(() => {
      said.textContent = text();
    }, 500);
  }

  #when(until) {
    const seconds = Math.ceil((until - Date.now()) / 1000);
    if (seconds <= 0) return this.words.now;
    if (seconds < 90) return filled(this.words.seconds, { count: seconds });
    if (seconds < 5400) return filled(this.words.minutes, { count: Math.ceil(seconds / 60) });
    const time = new Date(until).toLocaleTimeString(this.language, { hour: "2-digit", minute: "2-digit" });
    return filled(this.words.hours, { time });
  }

  #bubble(speaker, text) {
    return element("div", { class: "bubble", dir: "auto" }, unseen(`${speaker} `), text);
  }

  #dots() {
    return element("div", { class: "bubble dots" }, unseen(this.words.waiting), element("i"), element("i"), element("i"));
  }

  #toEnd() {
    this.node.scrollTop = this.node.scrollHeight;
  }

  stop() {
    clearInterval(this.#ticking);
  }
}

/** A message as its writer sees it: contact details stand below the words they came with. */
function shownText({ text, details = {} }) {
  return [text, details.name, details.email].filter(Boolean).join("\n");
}

/** The box: Enter sends, Shift and Enter begins a line; too much is refused here, with how much it is. */
class Composer {
  #words;
  #send;

  constructor(words, send) {
    this.#words = words;
    this.#send = send;
    this.box = element("textarea", {
      id: "message", rows: "1", placeholder: words.placeholder, "aria-label": words.message, "aria-describedby": "counter",
      autocomplete: "off", enterkeyhint: "send",
    });
    this.button = iconButton("send", ICONS.send, words.send);
    this.button.type = "submit";
    this.counter = element("p", { id: "counter", class: "counter", role: "status" });
    this.node = element("form", { class: "composer", novalidate: true }, this.box, this.button, this.counter);
    this.node.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.box.addEventListener("input", () => this.#count());
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
  }

  /** Put a text in. */
  set text(value) {
    this.box.value = value;
    this.#count();
    this.box.focus();
  }

  /** Put a text in and send it, as if it had been typed: one that is too long stays in the box. */
  write(value) {
    this.text = value;
    this.#submit();
  }

  #count() {
    const count = [...this.box.value].length;
    const over = count - MESSAGE_MOST;
    this.box.toggleAttribute("aria-invalid", over > 0);
    if (over > 0) this.box.setAttribute("aria-invalid", "true");
    this.counter.dataset.over = String(over > 0);
    if (over > 0) this.counter.textContent = filled(this.#words.over, { count: over, most: MESSAGE_MOST });
    else this.counter.textContent = count > COUNTED_FROM ? filled(this.#words.left, { count: -over }) : "";
  }

  #submit() {
    const text = this.box.value;
    if (text.trim() === "" || [...text].length > MESSAGE_MOST) {
      this.box.focus();
      return;
    }
    this.box.value = "";
    this.#count();
    this.#send(text);
    this.box.focus();
  }
}
