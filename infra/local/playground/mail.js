/** The team's mailbox, and the receiver of the signed webhook. */

import { clock, element, listOf } from "./dom.js";

export const MAIL = {
  title: "E-mail",
  noun: "mail",
  className: "mail",
  empty: "No mail. The team gets one when something needs a person: a destination is blocked, or an alert failed for good.",
  draw: drawMail,
};

function drawMail(mail) {
  const sent = new Date(mail.headers?.Date ?? NaN);
  return element(
    "li", { class: "letter" },
    element(
      "details", {},
      element(
        "summary", {},
        element("b", { dir: "auto" }, String(mail.subject ?? "")), element("time", {}, clock(sent)),
        element("span", {}, `${mail.from} to ${listOf(mail.to).join(", ")}`),
      ),
      element("div", { class: "letter-text", dir: "auto" }, String(mail.text ?? "")),
      element("details", { class: "raw" }, element("summary", {}, "As it was sent"), element("pre", {}, String(mail.raw ?? ""))),
    ),
  );
}

export const WEBHOOK = {
  title: "Webhook",
  noun: "event",
  className: "webhook",
  empty: "No event. Set LEAD_CHANNELS to include webhook, and each lead is posted here, signed.",
  draw: drawEvent,
};

function drawEvent(event) {
  const when = clock(new Date(Number(event.timestamp) * 1000));
  return element(
    "li", { class: "event" },
    element("p", {}, element("b", {}, String(event.body?.type ?? "event")), element("span", { class: "signed" }, "signature is right"), element("time", {}, when)),
    element("pre", {}, JSON.stringify(event.body, null, 2)),
  );
}
