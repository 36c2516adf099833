/** The custom element: a button, and the dialogue it opens, in a shadow root that no style of the page reaches into. */

const SCRIPT = document.currentScript ?? document.querySelector('script[src$="/widget.js"]');
const HERE = new URL("./", SCRIPT?.src ?? document.baseURI).href; // beside widget.json
const CHAT = HERE.slice(0, -1); // POST goes to the function itself
const NARROW = "(max-width: 480px)";
const SHEET = new CSSStyleSheet();
SHEET.replaceSync(STYLE); // not a style element: a page's strict Content-Security-Policy would refuse one

class BellhopChat extends HTMLElement {
  /** For whoever lets an owner choose a colour. */
  static contrast = contrast;
  static inkOn = inkOn;

  #root = this.attachShadow({ mode: "open" });
  #memory = new Memory(CHAT, () => this.#fill());
  #sending = new Sending(CHAT, this.#memory, (entry, what) => this.#told(entry, what));
  #business = null; // what widget.json says, once it was asked for
  #narrow = matchMedia(NARROW);
  #open = false;

  connectedCallback() {
    this.#root.adoptedStyleSheets = [SHEET];
    this.#draw();
    this.#toTop();
    this.#resume();
  }

  disconnectedCallback() {
    this.#sending.stop();
    this.#memory.close();
    this.#log?.stop();
    this.#narrow.removeEventListener("change", this.#show);
    this.#panel = null;
    this.#open = false;
  }

  /** Open the chat, as its button does. */
  open() {
    if (this.#open) return;
    this.#open = true;
    this.#keep();
    this.#learn();
    this.#show();
    if (matchMedia("(pointer: fine)").matches) this.#composer.box.focus();
    else this.#panel.focus();
  }

  /** Open the chat and write something in it: for a button such as "Ask about this table". */
  say(text) {
    this.open();
    this.#composer.write(String(text));
  }

  /** Open the chat with a new conversation. */
  restart() {
    this.open();
    this.#sending.stop();
    this.#memory.forget();
    this.#sending.start();
    this.#ask(false);
    this.#fill();
    this.#status.textContent = this.#words.forgotten;
  }

  /** Close it; what was written stays, and what waits is still sent. */
  close() {
    if (!this.#open) return;
    this.#open = false;
    this.#show();
    this.#launcher.focus();
  }

  #options;
  #words;
  #launcher;
  #panel = null; // with all that is in it there only once it is needed: most visitors never open it
  #log;
  #composer;
  #card;
  #status;

  #draw() {
    const options = (this.#options = optionsOf(this));
    this.#words = TEXTS[options.language];
    this.#launcher = this.#drawLauncher();
    const root = element("div", { class: "root", lang: options.language, dir: "ltr" }, this.#launcher);
    Object.assign(root.dataset, { theme: options.theme, position: options.position });
    root.style.setProperty("--accent", options.color);
    root.style.setProperty("--on-accent", inkOn(options.color));
    root.addEventListener("keydown", (event) => this.#key(event));
    this.#root.replaceChildren(root);
  }

  #furnish() {
    const options = this.#options;
    const words = this.#words;
    this.#log = new Log(words, options.language, { again: this.#sending.hurry, edit: (entry) => this.#edit(entry) });
    this.#composer = new Composer(words, (text) => this.#write(text));
    this.#card = new ContactCard(words, options.privacy, {
      taken: (details) => this.#write(words.left_details, details), left: () => this.#ask(false),
    });
    this.#status = element("p", { class: "unseen", role: "status" });
    this.#panel = this.#drawPanel();
    this.#launcher.before(this.#panel);
    this.#launcher.setAttribute("aria-controls", "panel");
    this.#narrow.addEventListener("change", this.#show);
    this.#show();
  }

  #drawLauncher() {
    const { launch } = this.#options;
    const words = this.#words;
    const button = element(
      "button", { type: "button", class: "launcher", "aria-expanded": "false" },
      icon(ICONS.chat), element("span", {}, launch ?? words.launch),
    );
    button.addEventListener("click", () => (this.#open ? this.close() : this.open()));
    return button;
  }

  #drawPanel() {
    const words = this.#words;
    const act = (className, drawing, label, does) => {
      const button = iconButton(className, drawing, label);
      button.addEventListener("click", does);
      return button;
    };
    const details = act("details", ICONS.person, words.details, () => this.#ask(!this.#card.shown));
    details.hidden = this.#options.contact === "never";
    return element(
      "section", { id: "panel", class: "panel", role: "dialog", "aria-labelledby": "title", tabindex: "-1", hidden: true },
      element(
        "header", {}, element("h2", { id: "title", dir: "auto" }, this.#options.title ?? words.title),
        details, act("forget", ICONS.fresh, words.forget, () => this.restart()), act("close", ICONS.close, words.close, () => this.close()),
      ),
      this.#log.node, this.#card.node, this.#composer.node, this.#status,
    );
  }

  /** Above everything on the page, whatever its stacking and transforms: in the browser's top layer where there is one. */
  #toTop() {
    if (typeof this.showPopover !== "function") return;
    this.popover = "manual";
    this.showPopover();
  }

  #show = () => {
    if (this.#panel === null) return;
    const open = this.#open;
    const whole = this.#narrow.matches;
    this.#panel.hidden = !open;
    this.#panel.setAttribute("aria-modal", String(open && whole));
    this.#launcher.hidden = open && whole;
    this.#launcher.setAttribute("aria-expanded", String(open));
    if (open) delete this.#launcher.dataset.news;
    if (open) this.#log.node.scrollTop = this.#log.node.scrollHeight;
  };

  /** A message that waited when the page was left goes out, opened or not; where there is none, nothing is kept. */
  #resume() {
    this.#memory.open();
    if (this.#memory.state.entries.some(({ state }) => state === "waiting")) this.#keep();
    else this.#memory.close();
  }

  #keep() {
    if (this.#panel !== null) return;
    this.#furnish();
    this.#memory.open();
    this.#memory.begin();
    this.#fill();
    this.#sending.start();
  }

  #fill() {
    this.#log.fill(this.#options.greeting ?? this.#words.greeting, this.#memory.state.entries);
  }

  /** What the business says: who it is, what visitors agree to. Without it the chat works, and asks for no details. */
  async #learn() {
    if (this.#business !== null) return;
    try {
      const answer = await fetch(`${HERE}widget.json`, { mode: "cors", credentials: "omit", referrerPolicy: "no-referrer" });
      if (answer.ok) this.#business = await answer.json();
    } catch {
      return; // asked again when it is opened again
    }
    const { language } = this.#options;
    const { consent = {}, language: usual } = this.#business ?? {};
    this.#card.owner = consent[language] ?? consent[usual] ?? null;
  }

  #write(text, details = {}) {
    if (details.email !== undefined || REACHABLE.test(text)) this.#memory.state.contact = true;
    if (this.#card.shown) this.#ask(false, details.email !== undefined);
    this.#log.draw(this.#sending.add(text, details));
    this.#sending.wake();
  }

  #told(entry, what) {
    if (what.kind === "answered" || what.kind === "refused") this.#log.draw(entry);
    else this.#log.progress(entry, what);
    if (what.kind !== "answered") return;
    if (!this.#open) this.#launcher.dataset.news = "true";
    if (this.#isUseful(entry)) this.#ask(true);
  }

  /** Details are asked for once, when the answer says that they are needed, or at the third message without any. */
  #isUseful({ answer }) {
    const { contact, asked, entries } = this.#memory.state;
    if (contact || asked || !this.#open || this.#options.contact === "never" || this.#business === null) return false;
    const wanted = this.#business.asks ?? [];
    return wanted.some((sentence) => answer.includes(sentence)) || entries.length >= 3;
  }

  #ask(shown, moved = true) {
    this.#card.show(shown);
    if (shown) {
      this.#memory.state.asked = true;
      this.#memory.save();
      this.#status.textContent = this.#words.why;
      this.#log.node.scrollTop = this.#log.node.scrollHeight;
    } else if (moved) {
      this.#composer.box.focus();
    }
  }

  #edit(entry) {
    const { state } = this.#memory;
    state.entries = state.entries.filter(({ id }) => id !== entry.id);
    this.#memory.save();
    this.#fill();
    if (entry.details?.email === undefined) {
      this.#composer.text = entry.text;
    } else {
      state.contact = false;
      this.#ask(true);
      this.#card.email.focus();
    }
  }

  #key(event) {
    if (event.key === "Escape" && this.#open && !event.isComposing) {
      event.stopPropagation();
      this.close();
    }
    if (event.key === "Tab" && this.#open && this.#panel.getAttribute("aria-modal") === "true") this.#turnRound(event);
  }

  /** Where the chat covers the page, Tab stays in it. */
  #turnRound(event) {
    const every = [...this.#panel.querySelectorAll("button, a, input, textarea, [tabindex='0']")];
    const there = every.filter((each) => each.checkVisibility?.() ?? each.offsetParent !== null);
    const edge = event.shiftKey ? there[0] : there.at(-1);
    const now = this.#root.activeElement;
    if (now !== edge && !(event.shiftKey && now === this.#panel)) return;
    event.preventDefault();
    (event.shiftKey ? there.at(-1) : there[0]).focus();
  }
}

/** Put the chat into the page, with what the script's own attributes say; once, however often the script is there. */
function install() {
  if (SCRIPT?.dataset.install === "no") return; // the page makes the element itself
  if (document.querySelector("bellhop-chat") !== null) return;
  const chat = document.createElement("bellhop-chat");
  for (const [name, value] of Object.entries(SCRIPT?.dataset ?? {})) chat.dataset[name] = value;
  document.body.append(chat);
}

if (customElements.get("bellhop-chat") === undefined) {
  customElements.define("bellhop-chat", BellhopChat);
  if (document.body) install();
  else addEventListener("DOMContentLoaded", install);
}
