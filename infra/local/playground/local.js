/** Calls to the local system and, as an operator, to its console. */

const DEADLINE = 4000;
const JOB_DEADLINE = 60_000;

/** An answer came, and it says no. */
export class Refusal extends Error {}

/** Call a path; the answer's JSON. */
export async function call(path, { deadline = DEADLINE, ...options } = {}) {
  const answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(deadline), ...options });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refusal(String(problem.detail ?? problem.error ?? `status ${answer.status}`));
  }
  return answer.json();
}

const json = (method, body) => ({ method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const received = (name) => call(`/_local/${name}/received`);
export const faultOf = (name) => call(`/_local/${name}/fault`);
export const breakIt = (name, mode, rate = 1) => call(`/_local/${name}/fault`, json("PUT", { mode, rate }));
export const heal = (name) => call(`/_local/${name}/fault`, { method: "DELETE" });
export const alerts = async () => (await call("/_local/alerts?limit=40")).alerts;
export const info = () => call("/_local/info");
export const runJob = (name) => call(`/_local/jobs/${name}/run`, { method: "POST", deadline: JOB_DEADLINE });
export const changeQueue = (name, verb) => call(`/_local/queues/${name}/${verb}`, { method: "POST" });
export const kill = (name) => call(`/_local/functions/${name}/kill`, { method: "POST", deadline: 15_000 });

let key = null;

/** The operator's console; its key is the local system's own. */
async function asOperator(path, options = {}) {
  key ??= (await info()).admin_api_key;
  return call(`/admin_console${path}`, { ...options, headers: { ...options.headers, "X-ADMIN-API-KEY": key } });
}

export const conservation = () => asOperator("/conservation");
export const redrive = (id) => asOperator("/dead_letters/redrive", json("POST", { ids: [id], by: "playground" }));
