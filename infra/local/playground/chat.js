/** The visitor's chat window. */

import { byId, element } from "./dom.js";

const DEADLINE = 30_000; // milliseconds until an answer is given up

let sessionId = null;
let queue = Promise.resolve(); // one message at a time, so that the second one knows the session of the first
let conversation = 0; // an answer that arrives after "New conversation" belongs to no one

/** Wire the window up. */
export function startChat() {
  const input = byId("message");
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = input.value;
    if (text.trim() === "") return input.focus();
    input.value = "";
    submit(text);
    return input.focus();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      byId("composer").requestSubmit();
    }
  });
  for (const suggestion of document.querySelectorAll(".suggestion")) {
    suggestion.addEventListener("click", () => {
      input.value = suggestion.textContent;
      input.focus();
    });
  }
  byId("restart").addEventListener("click", restart);
}

function restart() {
  sessionId = null;
  conversation += 1;
  for (const turn of byId("log").querySelectorAll(".turn")) turn.remove();
  byId("welcome").hidden = false;
  byId("message").focus();
}

/** Show a message and send it; its key and its body stay the same however often it is sent. */
function submit(text) {
  byId("welcome").hidden = true;
  const note = element("div", { class: "turn-note" });
  const turn = element("div", { class: "turn visitor" }, bubble(text, "You said: "), note);
  byId("log").append(turn);
  scrollToEnd();
  enqueue({ text, key: crypto.randomUUID(), body: null, turn, note, conversation });
}

function enqueue(message) {
  queue = queue.then(() => (message.conversation === conversation ? send(message) : undefined));
}

async function send(message) {
  message.note.replaceChildren();
  message.turn.dataset.state = "sending";
  const waiting = element("div", { class: "turn bellhop waiting" }, typing());
  message.turn.after(waiting);
  scrollToEnd();
  let outcome;
  try {
    outcome = await post(message);
  } catch {
    outcome = { problem: "Your message did not get through: the connection failed.", again: 0 };
  }
  waiting.remove();
  if (message.conversation !== conversation) return;
  if (outcome.answer) showAnswer(message, outcome.answer);
  else showProblem(message, outcome);
  scrollToEnd();
}

/** What came of it: {answer}, or {problem, again} with the seconds until it may be sent again, null for never. */
async function post(message) {
  const named = sessionId === null ? {} : { session_id: sessionId };
  message.body ??= JSON.stringify({ message: message.text, ...named });
  const answer = await fetch("/chat", {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": message.key },
    body: message.body,
    signal: AbortSignal.timeout(DEADLINE),
  });
  if (answer.ok) return { answer: await answer.json() };
  return problemOf(answer.status, await detailOf(answer), Number.parseInt(answer.headers.get("Retry-After"), 10));
}

async function detailOf(answer) {
  try {
    const { detail, title } = await answer.json();
    return String(detail ?? title ?? "");
  } catch {
    return "";
  }
}

function problemOf(status, detail, retryAfter) {
  const after = Number.isNaN(retryAfter) ? 0 : retryAfter;
  const seconds = `${after} second${after === 1 ? "" : "s"}`;
  if (status === 429) {
    const soon = after > 0 ? `in ${seconds}` : "in a moment";
    return { problem: `That was a lot of messages. You can send this one again ${soon}.`, again: after };
  }
  if (status === 409) return { problem: "This message is still being answered. Ask again in a moment.", again: after };
  if (status >= 500) {
    return { problem: `We could not answer just now. ${detail || "Please try again."}`, again: after };
  }
  return { problem: detail || `The message was refused (${status}).`, again: null };
}

function showAnswer(message, answer) {
  message.turn.dataset.state = "sent";
  sessionId ??= answer.session_id ?? null;
  const facts = [];
  if (Number.isFinite(answer.lead_score)) facts.push(element("span", { class: "fact" }, `Lead score ${answer.lead_score}`));
  if (answer.handoff) facts.push(element("span", { class: "fact" }, "Handed to a person"));
  message.turn.after(
    element("div", { class: "turn bellhop" }, bubble(String(answer.response), "Bellhop said: "), element("div", { class: "facts" }, ...facts)),
  );
}

function showProblem(message, { problem, again }) {
  message.turn.dataset.state = "failed";
  const parts = [element("span", { class: "problem", dir: "auto" }, problem)];
  if (again !== null) {
    const button = element("button", { type: "button", class: "again", disabled: again > 0 }, "Send again");
    button.addEventListener("click", () => {
      enqueue(message);
      byId("message").focus();
    });
    setTimeout(() => button.removeAttribute("disabled"), again * 1000);
    parts.push(button);
  }
  message.note.replaceChildren(...parts);
}

function bubble(text, speaker) {
  return element("div", { class: "bubble", dir: "auto" }, element("span", { class: "hidden" }, speaker), text);
}

function typing() {
  const dots = ["", "", ""].map(() => element("i", { "aria-hidden": "true" }));
  return element("div", { class: "bubble typing" }, element("span", { class: "hidden" }, "Waiting for the answer"), ...dots);
}

function scrollToEnd() {
  byId("log").scrollTop = byId("log").scrollHeight;
}
