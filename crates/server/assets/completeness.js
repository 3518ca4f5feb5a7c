// Asks the log itself for everything under a person's labels, and compares that with what the page shows.
//
// Rule: docs/trace.md, A person's proof. The page comes from the operator; so does the log, but the log is signed and witnessed.
// Believes nothing that checkPersonProof has not checked.
import { checkPersonProof } from "./person-proof.js";
import { Failed, concat, labelRun, need, same, toHex } from "./verify.js";

/** Labels asked for at once. */
const AT_ONCE = 1024;
/** Attempts while the log grows between the parts of an answer. */
const ATTEMPTS = 3;
/** How much later than its confirmation a map root may be dated: clocks differ a little. */
const SKEW_MS = 300_000;
/** How long an answer is waited for. */
const PATIENCE_MS = 30_000;

/** The body of a question: the number of the first label, then the labels. */
export async function question(traceKey, from, count) {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setBigUint64(0, BigInt(from));
  return concat(head, ...(await labelRun(traceKey, from, count)));
}

/** All parts of an answer, which must be of one tree; null when the log grew in between. */
async function oneTree({ traceKey, vkey, origin, policy, ask, check = checkPersonProof }) {
  const found = [];
  let tree = null;
  for (;;) {
    const from = found.length;
    const bytes = await ask(await question(traceKey, from, AT_ONCE));
    const part = await check(bytes, { traceKey, from, asked: AT_ONCE, vkey, origin, policy });
    const here = `${part.checkpoint.size} ${toHex(part.checkpoint.root)}`;
    // A part under another checkpoint might be of another log than the one that witnesses confirm.
    if (tree !== null && tree !== here) return null;
    tree = here;
    found.push(...part.found);
    if (part.complete || part.found.length === 0) return { ...part, found };
  }
}

/**
 * Everything under a person's labels, from the first on.
 *
 * `ask(body)` gives the bytes of an answer; `check` is checkPersonProof but in tests. Answers { found: [{ n, index, leaf, header }], coveredSize, coveredTime, cosigned, quorum, checkpoint }.
 * Throws [`Failed`].
 */
export async function wholeTrace(world, now = Date.now()) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const whole = await oneTree(world);
    if (whole === null) continue;
    need(Number.isSafeInteger(whole.coveredTime), "malformed");
    const confirmed = whole.cosigned.map(({ time }) => time * 1000);
    need(whole.coveredTime <= (confirmed.length > 0 ? Math.max(...confirmed) : now) + SKEW_MS, "map-proof");
    return whole;
  }
  throw new Failed("not-ready");
}

/**
 * What the page hides or changes, held against the whole trace.
 *
 * `shown`: [{ n, leaf, header }], the bytes of the entry that carries the label and, for a chunk, of its header; leaf null while the page
 * gives no proof. `total`: how many entries the page says there are; `before`: how many were seen at an earlier visit.
 */
export function compare(whole, shown, total, before) {
  const known = shown.filter(({ n }) => n < whole.found.length);
  const differs = ({ n, leaf, header }) => {
    const true_ = whole.found[n];
    return !same(leaf, true_.leaf) || (true_.header !== null && (header === null || !same(header, true_.header.leaf)));
  };
  const changed = known.filter((entry) => entry.leaf !== null && differs(entry)).map(({ n }) => n);
  // Covered by the map, yet given without proof: loading the page again should help, and otherwise tells.
  const unproved = known.filter(({ leaf }) => leaf === null).map(({ n }) => n);
  const hidden = Math.max(0, whole.found.length - total);
  const fewer = Math.max(0, before - Math.max(whole.found.length, total));
  return { changed, unproved, hidden, fewer, ok: changed.length === 0 && hidden === 0 && fewer === 0 };
}

/** Asks a log over HTTP, at the page's own address. */
export async function askHere(body) {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const answer = await fetch("/person-proof", { method: "POST", headers: { "content-type": "application/octet-stream" }, body, signal });
  // No map root is under a checkpoint yet: neither good nor bad.
  if (answer.status === 503) throw new Failed("not-ready");
  if (!answer.ok) throw new Failed("no-answer");
  return new Uint8Array(await answer.arrayBuffer());
}
