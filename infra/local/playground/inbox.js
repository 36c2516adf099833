/** Slack's channel: messages rendered from their blocks as Slack would show them. */

import { announce, byId, counted, element, setHidden, setText } from "./dom.js";
import { mrkdwn, textObject } from "./mrkdwn.js";

const SHOWN = 100;
const NEAR_THE_END = 48; // pixels: whoever reads the newest message stays with the newest

/** Keeps the list of messages in step with what the stand-in received. */
export class Inbox {
  #list = byId("inbox");
  #drawn = []; // {text, node} of each message shown, oldest first; text tells whether it changed
  #first = true;

  /** @param {object[]} messages  everything accepted, oldest first */
  update(messages) {
    const latest = messages.slice(-SHOWN);
    const texts = latest.map((message) => JSON.stringify(message));
    const gone = this.#firstKept(texts);
    const pinned = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < NEAR_THE_END;
    for (const { node } of this.#drawn.splice(0, gone)) node.remove();
    for (const { node } of this.#drawn.splice(texts.length)) node.remove();
    let added = 0;
    for (let index = this.#drawn.length; index < texts.length; index += 1) {
      const node = drawMessage(latest[index], this.#first ? null : new Date());
      this.#list.append(node);
      this.#drawn.push({ text: texts[index], node });
      added += 1;
    }
    this.#tell(messages.length, added);
    if (added > 0 && pinned) this.#list.scrollTop = this.#list.scrollHeight;
    this.#first = false;
  }

  /** How many of the oldest drawn messages have to go so that the rest is where the new list begins. */
  #firstKept(texts) {
    const drawn = this.#drawn.map(({ text }) => text);
    for (let gone = 0; gone < drawn.length; gone += 1) {
      const rest = drawn.slice(gone);
      if (rest.length <= texts.length && rest.every((text, index) => text === texts[index])) return gone;
    }
    return drawn.length;
  }

  #tell(total, added) {
    setText(byId("slack-count"), String(total));
    setText(byId("slack-count-words"), `, ${counted(total, "message")}`);
    setHidden(byId("inbox-empty"), total > 0);
    if (added > 0 && !this.#first) announce(`${counted(added, "new message")} in Slack`);
  }
}

function drawMessage(message, arrived) {
  const blocks = Array.isArray(message.blocks) ? message.blocks : [];
  const body = blocks.length > 0 ? blocks.map(drawBlock) : [paragraph(mrkdwn(String(message.text ?? "")))];
  const time = arrived === null ? [] : [element("time", { datetime: arrived.toISOString() }, clock(arrived))];
  const who = element("p", { class: "who" }, element("b", {}, "Bellhop"), element("span", { class: "app" }, "APP"), ...time);
  return element(
    "li",
    { class: arrived === null ? "slack-message" : "slack-message arriving" },
    element("span", { class: "avatar", "aria-hidden": "true" }, "B"),
    element("div", { class: "slack-body" }, who, ...body),
  );
}

function clock(moment) {
  return moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function paragraph(nodes, className = "block-text") {
  return element("div", { class: className, dir: "auto" }, ...nodes);
}

const DRAWN_BLOCKS = {
  section: drawSection,
  header: (block) => paragraph(textObject(block.text), "block-header"),
  context: drawContext,
  divider: () => element("hr"),
  actions: (block) => element("div", { class: "block-actions" }, ...listOf(block.elements).map(drawButton)),
  markdown: (block) => paragraph([String(block.text ?? "")]),
  image: (block) => paragraph([`Image: ${block.alt_text ?? ""}`], "block-other"),
};

function drawBlock(block) {
  const draw = Object.hasOwn(DRAWN_BLOCKS, block?.type) ? DRAWN_BLOCKS[block.type] : null;
  return draw ? draw(block) : paragraph([`(a block of type ${block?.type})`], "block-other");
}

function drawSection(block) {
  const parts = block.text ? [paragraph(textObject(block.text))] : [];
  const fields = listOf(block.fields);
  if (fields.length > 0) {
    parts.push(element("div", { class: "block-fields" }, ...fields.map((field) => paragraph(textObject(field)))));
  }
  if (block.accessory?.type === "button") parts.push(drawButton(block.accessory));
  return element("div", { class: "block-section" }, ...parts);
}

function drawContext(block) {
  const drawn = listOf(block.elements).map((item) =>
    element("span", { dir: "auto" }, ...(item.type === "image" ? [String(item.alt_text ?? "")] : textObject(item))),
  );
  return element("div", { class: "block-context" }, ...drawn);
}

/** A button as Slack shows it; pressing it here does nothing, so it is no button to the keyboard. */
function drawButton(button) {
  return element("span", { class: "block-button" }, ...textObject(button?.text));
}

function listOf(value) {
  return Array.isArray(value) ? value : [];
}
