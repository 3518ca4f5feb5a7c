// Puts the results of verify.js into the portal page: a tick appears only after the check here succeeded.
import { askHere, compare, wholeTrace } from "./completeness.js";
import { Failed, fromBase64, fromHex, label, toHex, verifyTrace } from "./verify.js";

const root = document.getElementById("trace");

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function read(item) {
  const n = Number(item.dataset.n);
  if (item.dataset.proof === undefined) return { n, proof: null };
  try {
    return { n, proof: JSON.parse(item.dataset.proof) };
  } catch {
    return { n, proof: {} };
  }
}

function show(item, result, words) {
  if (result.code === "pending") {
    item.querySelector("[data-state]").textContent = words.pending;
    return;
  }
  item.classList.add(result.ok ? "good" : "wrong");
  const state = item.querySelector("[data-state]");
  if (state) state.textContent = result.ok ? words.entry_ok : "";
  if (!result.ok) {
    const why = document.createElement("p");
    why.className = "why";
    why.textContent = words.entry_bad + (words[result.code] ?? result.code);
    item.querySelector(".say").after(why);
    return;
  }
  // The record shown is the one whose bytes were checked, not one sent beside them.
  const raw = item.querySelector("[data-raw]");
  if (raw) raw.textContent = JSON.stringify(result.event, null, 2);
}

/** The entries of the page that carry the person's labels, and the headers of exports, as the page gave them. */
function entriesShown(items) {
  const bytes = (text) => (typeof text === "string" ? fromBase64(text) : null);
  return items.map(read).map(({ n, proof }) => {
    if (!proof?.leaf) return { n, leaf: null, header: null };
    return proof.chunk ? { n, leaf: bytes(proof.chunk.leaf), header: bytes(proof.leaf) } : { n, leaf: bytes(proof.leaf), header: null };
  });
}

/** How many entries this browser saw before under this key; remembered by a label, which tells nobody anything. */
async function remembered(traceKey) {
  const name = `liuhen-seen-${toHex((await label(traceKey, 0)).slice(0, 8))}`;
  try {
    return { before: Number(localStorage.getItem(name)) || 0, keep: (count) => localStorage.setItem(name, String(count)) };
  } catch {
    // A browser may refuse to remember anything.
    return { before: 0, keep: () => {} };
  }
}

/** Tries again while no map root is under a checkpoint: one comes within some seconds. */
async function patiently(attempt) {
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (error.code !== "not-ready" || tries === 5) throw error;
      await new Promise((resolve) => setTimeout(resolve, 3000));
    }
  }
}

/** Asks the log for all entries under the person's labels, and says what that shows. */
async function completeness(items, words) {
  try {
    return await compared(items, words);
  } catch (error) {
    const code = error instanceof Failed ? error.code : "no-answer";
    const why = words.incomplete + (words[code === "gap" ? "gap-in-map" : code] ?? code);
    const unknown = ["not-ready", "no-answer", "no-ed25519"].includes(code);
    root.dataset.complete = unknown ? "unknown" : "bad";
    return { bad: !unknown, doubt: true, lines: [why] };
  }
}

async function compared(items, words) {
  const { key, vkey, origin } = root.dataset;
  const traceKey = fromHex(key);
  const policy = JSON.parse(root.dataset.policy);
  const whole = await patiently(() => wholeTrace({ traceKey, vkey, origin, policy, ask: askHere }));
  const { before, keep } = await remembered(traceKey);
  const held = compare(whole, entriesShown(items), Number(root.dataset.total), before);
  const values = {
    count: whole.found.length,
    until: new Date(whole.coveredTime).toLocaleString(document.documentElement.lang, { timeZone: "Asia/Shanghai" }),
    by: whole.cosigned.length,
    of: policy.witnesses.length,
    hidden: held.hidden,
    fewer: held.fewer,
    changed: held.changed.map((n) => n + 1).join(", "),
    unproved: held.unproved.map((n) => n + 1).join(", "),
  };
  if (held.ok) keep(Math.max(before, whole.found.length));
  const faults = [
    [held.hidden > 0, words.hidden],
    [held.changed.length > 0, words.changed],
    [held.fewer > 0, words.fewer],
    [held.unproved.length > 0, words.unproved],
  ];
  const lines = faults.filter(([is]) => is).map(([, text]) => fill(text, values));
  const confirmed = policy.quorum === 0 ? words.not_demanded : words.complete;
  const how = values.of === 0 ? words.complete_alone : whole.quorum ? confirmed : words.not_confirmed;
  const doubt = held.unproved.length > 0 || (values.of > 0 && !whole.quorum);
  root.dataset.complete = !held.ok ? "bad" : held.unproved.length > 0 ? "unknown" : "ok";
  root.dataset.confirmed = `${values.by}/${values.of}`;
  return { bad: !held.ok, doubt, lines: [...lines, fill(how, values)] };
}

async function run() {
  const summary = document.getElementById("verdict");
  const words = JSON.parse(root.dataset.words);
  const items = Array.from(root.querySelectorAll("li[data-n]"));
  const { key, checkpoint, vkey, origin } = root.dataset;
  const result = await verifyTrace({ key, checkpoint, vkey, origin, total: Number(root.dataset.total), entries: items.map(read) });
  const good = result.entries.filter((entry) => entry.ok).length;
  const pending = result.entries.filter((entry) => entry.code === "pending").length;
  const total = result.entries.length - pending;
  result.entries.forEach((entry, i) => show(items[i], entry, words));
  const values = {
    good,
    total,
    pending,
    bad: total - good,
    size: result.head?.size ?? "?",
    root: result.head ? toHex(result.head.root).slice(0, 16) : "?",
    time: new Date().toLocaleTimeString(document.documentElement.lang, { timeZone: "Asia/Shanghai" }),
    missing: result.missing.map((n) => n + 1).join(", "),
  };
  const lines = [];
  let bad = false;
  if (result.code && result.code !== "no-ed25519") {
    bad = true;
    lines.push(words.checkpoint_bad + (words[result.code] ?? result.code));
  }
  if (good === total && !bad) lines.push(fill(words.all_ok, values));
  if (good < total) {
    bad = true;
    lines.push(fill(words.some_bad, values));
  }
  if (result.missing.length > 0 || result.doubled > 0) {
    bad = true;
    lines.push(fill(words.gap, values));
  } else if (total > 0) lines.push(words.no_gap);
  if (pending > 0) lines.push(fill(words.pending_more, values));
  if (result.code === "no-ed25519") lines.push(words["no-ed25519"]);
  // Not green before the log itself was asked.
  tell(summary, [...lines, words.asking], bad ? "bad" : "warn");
  root.dataset.done = bad ? "bad" : "ok";
  const whole = await completeness(items, words);
  bad ||= whole.bad;
  tell(summary, [...lines, ...whole.lines], bad ? "bad" : result.code || whole.doubt ? "warn" : "ok");
}

function tell(summary, lines, how) {
  summary.className = `note ${how}`;
  summary.replaceChildren(
    ...lines.map((line, i) => {
      const p = document.createElement(i === 0 ? "strong" : "p");
      p.textContent = line;
      return p;
    }),
  );
}

if (root && globalThis.crypto?.subtle) run();
else if (root) {
  // Without a secure context there is no WebCrypto: say so instead of showing nothing.
  const words = JSON.parse(root.dataset.words);
  const summary = document.getElementById("verdict");
  summary.className = "note warn";
  summary.textContent = words.no_crypto;
}
