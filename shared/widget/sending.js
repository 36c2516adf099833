/**
 * Sends messages one after the other, each until it is answered or refused for good.
 *
 * A message has a key and, once it was tried, a body; both stay the same however often it is sent, also after a reload.
 * So the server answers it once, whatever was lost on the way.
 */
const DEADLINE = 45_000; // more than the server may take
const FIRST_WAIT = 2;
const LONGEST_WAIT = 60;
const LONGEST_SLEEP = 2 ** 31 - 1; // what a browser's timer takes

class Sending {
  #url;
  #memory;
  #tell;
  #timer = null;
  #busy = false;

  /**
   * @param {string} url      where to POST
   * @param {Memory} memory   what is to be sent, and what came of it
   * @param {Function} tell   called with an entry and what happened to it: sending, answered, refused, or {kind, until}
   */
  constructor(url, memory, tell) {
    this.#url = url;
    this.#memory = memory;
    this.#tell = tell;
  }

  /** Take a message: it is stored before it is sent. */
  add(text, details = {}) {
    const entry = { id: newKey(), at: Date.now(), text, details, state: "waiting", tries: 0 };
    this.#memory.state.entries.push(entry);
    this.#memory.save();
    return entry;
  }

  /** Send what waits, from now on, however long it still had to wait. */
  hurry = () => {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#next();
  };

  /** Go on with what waits, unless it is being sent or has to wait. */
  wake() {
    if (this.#timer === null) this.#next();
  }

  start() {
    addEventListener("online", this.hurry);
    this.wake();
  }

  stop() {
    removeEventListener("online", this.hurry);
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #next() {
    const entry = this.#memory.state.entries.find(({ state }) => state === "waiting");
    if (this.#busy || entry === undefined) return;
    this.#busy = true;
    this.#tell(entry, { kind: "sending" });
    const came = await this.#post(entry);
    this.#busy = false;
    // The conversation ended meanwhile, or another tab was answered first.
    const still = this.#memory.state.entries.find(({ id }) => id === entry.id);
    if (still?.state === "waiting") this.#settle(still, came);
    this.wake();
  }

  #settle(entry, came) {
    const { state } = this.#memory;
    if (came.answer) {
      state.session ??= came.answer.session_id;
      Object.assign(entry, { state: "answered", answer: came.answer.response, handoff: came.answer.handoff === true });
    } else if (came.refused !== undefined) {
      Object.assign(entry, { state: "refused", problem: came.refused });
    } else {
      entry.tries += 1;
      this.#rest(entry, came);
      return;
    }
    delete entry.body;
    this.#memory.save();
    this.#tell(entry, { kind: entry.state });
  }

  /** Wait before it is sent again: as long as the server says, else longer each time. */
  #rest(entry, { kind, after }) {
    this.#memory.save();
    const seconds = after ?? Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (entry.tries - 1));
    this.#timer = setTimeout(this.hurry, Math.min(seconds * 1000, LONGEST_SLEEP));
    this.#tell(entry, { kind, until: Date.now() + seconds * 1000 });
  }

  async #post(entry) {
    if (entry.body === undefined) {
      const { session } = this.#memory.state;
      entry.body = JSON.stringify({ message: entry.text, ...entry.details, ...(session === null ? {} : { session_id: session }) });
      this.#memory.save();
    }
    try {
      const answer = await fetch(this.#url, {
        method: "POST",
        mode: "cors",
        credentials: "omit",
        referrerPolicy: "no-referrer",
        headers: { "Content-Type": "application/json", "Idempotency-Key": entry.id },
        body: entry.body,
        signal: AbortSignal.timeout(DEADLINE),
      });
      return await meaningOf(answer);
    } catch {
      return { kind: navigator.onLine ? "failed" : "offline" };
    }
  }
}

const WAITS = { 409: "busy", 429: "limited", 408: "failed", 425: "failed" };

/** What an answer means: {answer}, {refused: why}, or {kind, after} where it helps to wait. */
async function meaningOf(answer) {
  if (answer.ok) return { answer: answerOf(await answer.json()) };
  const after = Number.parseInt(answer.headers.get("Retry-After"), 10);
  const waits = answer.status >= 500 ? "failed" : WAITS[answer.status];
  if (waits !== undefined) return { kind: waits, after: Number.isNaN(after) ? undefined : Math.max(1, after) };
  const { detail, title } = await answer.json().catch(() => ({}));
  return { refused: String(detail ?? title ?? answer.status) };
}

/** An answer of the chat's; a 200 of anything else on the way is none. */
function answerOf(answer) {
  if (typeof answer?.response !== "string") throw new TypeError("not an answer");
  return answer;
}

/** 128 random bits; randomUUID is there on secure pages only. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
