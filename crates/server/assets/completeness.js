// Asks the log itself for everything under a person's labels, and compares that with what the page shows.
//
// Rule: docs/trace.md, A person's proof. The page comes from the operator; so does the log, but the log is signed and witnessed.
// Believes nothing that checkPersonProof has not checked.
import { checkPersonProof } from "./person-proof.js";
import { Failed, concat, labelRun } from "./verify.js";

/** Labels asked for at once. */
const AT_ONCE = 1024;

/** The body of a question: the number of the first label, then the labels. */
export async function question(traceKey, from, count) {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setBigUint64(0, BigInt(from));
  return concat(head, ...(await labelRun(traceKey, from, count)));
}

/**
 * Everything under a person's labels, from the first on.
 *
 * `ask(body)` gives the bytes of an answer. Answers { places: [index of entry n], coveredSize, coveredTime, cosigned, quorum, size }.
 * Throws [`Failed`].
 */
export async function wholeTrace({ traceKey, vkey, origin, policy, ask }) {
  const places = [];
  for (;;) {
    const from = places.length;
    const bytes = await ask(await question(traceKey, from, AT_ONCE));
    const part = await checkPersonProof(bytes, { traceKey, from, asked: AT_ONCE, vkey, origin, policy });
    for (const entry of part.found) places.push(entry.index);
    if (!part.complete && part.found.length > 0) continue;
    const { coveredSize, coveredTime, cosigned, quorum, checkpoint } = part;
    return { places, coveredSize, coveredTime, cosigned, quorum, size: checkpoint.size };
  }
}

/**
 * What the page hides or moves, held against the whole trace.
 *
 * `shown`: [{ n, index }], index of the entry that carries the label, null while no checkpoint covers it; `total`: how many entries
 * the page says there are; `before`: how many were seen at an earlier visit.
 */
export function compare(whole, shown, total, before) {
  const moved = shown.filter(({ n, index }) => n < whole.places.length && index !== null && index !== whole.places[n]).map(({ n }) => n);
  const hidden = Math.max(0, whole.places.length - total);
  const fewer = Math.max(0, before - Math.max(whole.places.length, total));
  return { moved, hidden, fewer, ok: moved.length === 0 && hidden === 0 && fewer === 0 };
}

/** Asks a log over HTTP, at the page's own address. */
export async function askHere(body) {
  const answer = await fetch("/person-proof", { method: "POST", headers: { "content-type": "application/octet-stream" }, body });
  // No map root is under a checkpoint yet: neither good nor bad.
  if (answer.status === 503) throw new Failed("not-ready");
  if (!answer.ok) throw new Failed("no-answer");
  return new Uint8Array(await answer.arrayBuffer());
}
