/** Slack's channel: messages rendered from their blocks as Slack would show them. */

import { clock, element, listOf } from "./dom.js";
import { mrkdwn, textObject } from "./mrkdwn.js";

export const SLACK = {
  title: "Slack",
  noun: "message",
  className: "slack",
  empty: "No message yet. A lead from the chat shows up here.",
  top: [element("p", { class: "channel-name", "aria-hidden": "true" }, element("span", {}, "#"), " leads")],
  draw: drawMessage,
};

function drawMessage(message, arrived) {
  const blocks = listOf(message.blocks);
  const body = blocks.length > 0 ? blocks.map(drawBlock) : [paragraph(mrkdwn(String(message.text ?? "")))];
  const time = arrived === null ? [] : [element("time", { datetime: arrived.toISOString() }, clock(arrived))];
  const who = element("p", { class: "who" }, element("b", {}, "Bellhop"), element("span", { class: "app" }, "APP"), ...time);
  return element(
    "li",
    { class: "slack-message" },
    element("span", { class: "avatar", "aria-hidden": "true" }, "B"),
    element("div", { class: "slack-body" }, who, ...body),
  );
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
