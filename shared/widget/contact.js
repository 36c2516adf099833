/** The card that asks for a name and an e-mail address, with the owner's wording of consent. */

const EMAIL = /^[^\s@]+@[^\s@]+\.[^\s@]+$/u;
/** What is taken for contact details in a message: the server decides, this only saves a needless question. */
const REACHABLE = /[^\s@]+@[^\s@]+\.[^\s@]+|(?:\d[\s./()-]{0,2}){8,}/u;

class ContactCard {
  /**
   * @param {object} words      the texts of one language
   * @param {string|null} privacy  where the owner says what happens to data
   * @param {{taken: Function, left: Function}} tell  called with {name, email, consent}, and when it is put away
   */
  constructor(words, privacy, tell) {
    this.words = words;
    this.tell = tell;
    this.name = element("input", { id: "name", type: "text", autocomplete: "name", maxlength: "200" });
    this.email = element("input", {
      id: "email", type: "text", inputmode: "email", autocomplete: "email", maxlength: "320", required: true, spellcheck: "false",
      autocapitalize: "none", "aria-describedby": "problem",
    });
    this.agree = element("input", { id: "agree", type: "checkbox", "aria-describedby": "problem" });
    this.wording = element("label", { for: "agree" });
    this.consent = element("p", { class: "consent", hidden: true }, this.agree, this.wording);
    this.problem = element("p", { id: "problem", class: "problem", role: "alert" });
    this.node = this.#draw(privacy);
  }

  #draw(privacy) {
    const { words } = this;
    const later = element("button", { type: "button", class: "plain" }, words.later);
    later.addEventListener("click", () => this.tell.left());
    const optional = element("span", { class: "faint" }, ` (${words.optional})`);
    const link = privacy === null ? [] : [element("a", { href: privacy, target: "_blank", rel: "noopener" }, words.privacy)];
    const form = element(
      "form", { class: "card", novalidate: true, hidden: true, "aria-labelledby": "why" },
      element("h3", { id: "why" }, words.why),
      element("p", {}, element("label", { for: "name" }, words.name, optional), this.name),
      element("p", {}, element("label", { for: "email" }, words.email), this.email),
      this.consent, this.problem,
      element("div", { class: "row" }, element("button", { type: "submit", class: "solid" }, words.submit), later, ...link),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    return form;
  }

  /** The owner's words, null where there are none: then consent is neither asked nor claimed. */
  set owner(wording) {
    this.wording.textContent = wording ?? "";
    this.consent.hidden = wording === null;
    this.agree.required = wording !== null;
  }

  show(shown) {
    this.node.hidden = !shown;
    if (!shown) this.#complain(null, "");
  }

  get shown() {
    return !this.node.hidden;
  }

  #submit() {
    const email = this.email.value.trim();
    if (!EMAIL.test(email)) return this.#complain(this.email, this.words.badEmail);
    if (!this.consent.hidden && !this.agree.checked) return this.#complain(this.agree, this.words.mustAgree);
    this.#complain(null, "");
    const name = this.name.value.trim();
    return this.tell.taken({
      ...(name === "" ? {} : { name }), email, ...(this.consent.hidden ? {} : { consent: { processing: true } }),
    });
  }

  #complain(field, text) {
    for (const each of [this.email, this.agree]) each.toggleAttribute("aria-invalid", each === field);
    field?.setAttribute("aria-invalid", "true");
    this.problem.textContent = text;
    field?.focus();
  }
}
