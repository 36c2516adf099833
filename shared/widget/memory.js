/**
 * The conversation, kept in this browser from the moment the chat is opened: nothing is stored before.
 *
 * {session, started, contact, asked, entries: [{id, at, text, state, body?, answer?, handoff?, problem?}]}
 * Kept for a day after the last message: as long as the server knows an idempotency key, so that what is sent again
 * after that cannot be a second message.
 */
const KEPT = 24 * 60 * 60 * 1000;
const ENTRIES_MOST = 100;

class Memory {
  #place;
  #changed;

  /**
   * @param {string} api      whose conversation it is
   * @param {Function} changed  called when another tab has changed it
   */
  constructor(api, changed) {
    this.#place = `bellhop-chat ${api}`;
    this.#changed = changed;
    this.state = null;
  }

  /** Begin to keep: read what is there. */
  open() {
    this.state = this.#read() ?? fresh();
    addEventListener("storage", this.#heard);
  }

  /** Let other tabs know which conversation this is, if it is a new one. */
  begin() {
    if (this.state.saved === 0) this.save();
  }

  /** No more; what is stored stays. */
  close() {
    removeEventListener("storage", this.#heard);
  }

  /** Store as it stands; a browser that stores nothing keeps it for as long as the page is there. */
  save() {
    this.state.saved = Date.now();
    const surplus = this.state.entries.length - ENTRIES_MOST;
    this.state.entries = this.state.entries.filter(({ state }, place) => place >= surplus || state === "waiting");
    try {
      localStorage.setItem(this.#place, JSON.stringify(this.state));
    } catch {
      // Full or forbidden: the chat goes on without.
    }
  }

  /** A new conversation. */
  forget() {
    this.state = fresh();
    this.save();
  }

  #heard = (event) => {
    if (event.key !== this.#place) return;
    const theirs = this.#read();
    if (theirs === null) return;
    this.state = merged(this.state, theirs);
    this.#changed();
  };

  #read() {
    try {
      const state = JSON.parse(localStorage.getItem(this.#place));
      return isState(state) && Date.now() - state.saved < KEPT ? state : null;
    } catch {
      return null;
    }
  }
}

function fresh() {
  return { session: null, started: Date.now(), contact: false, asked: false, saved: 0, entries: [] };
}

/** Whether it is one of ours: other code of the page writes to the same storage. */
function isState(state) {
  return (
    typeof state === "object" && state !== null && Array.isArray(state.entries) && Number.isFinite(state.saved) &&
    (state.session === null || /^[0-9a-f]{32}$/.test(state.session)) &&
    state.entries.every((entry) => typeof entry?.id === "string" && typeof entry.text === "string" && Number.isFinite(entry.at))
  );
}

const PROGRESS = { waiting: 0, refused: 1, answered: 2 };

/** Two tabs' views of one conversation: everything either has, each message as far as it has come. */
function merged(mine, theirs) {
  if (mine.started !== theirs.started) return mine.started > theirs.started ? mine : theirs;
  const entries = new Map(mine.entries.map((entry) => [entry.id, entry]));
  for (const entry of theirs.entries) {
    const own = entries.get(entry.id);
    if (own === undefined) entries.set(entry.id, entry);
    else if ((PROGRESS[entry.state] ?? 0) > (PROGRESS[own.state] ?? 0)) Object.assign(own, entry);
    else own.body ??= entry.body; // both may send it; with one body the server answers it once
  }
  return {
    ...theirs,
    session: mine.session ?? theirs.session,
    contact: mine.contact || theirs.contact,
    asked: mine.asked || theirs.asked,
    entries: [...entries.values()].sort((one, other) => one.at - other.at),
  };
}
