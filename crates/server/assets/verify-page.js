// Puts the results of verify.js into the portal page: a tick appears only after the check here succeeded.
import { toHex, verifyTrace } from "./verify.js";

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
  summary.className = `note ${bad ? "bad" : result.code ? "warn" : "ok"}`;
  summary.replaceChildren(
    ...lines.map((line, i) => {
      const p = document.createElement(i === 0 ? "strong" : "p");
      p.textContent = line;
      return p;
    }),
  );
  root.dataset.done = bad ? "bad" : "ok";
}

if (root && globalThis.crypto?.subtle) run();
else if (root) {
  // Without a secure context there is no WebCrypto: say so instead of showing nothing.
  const words = JSON.parse(root.dataset.words);
  const summary = document.getElementById("verdict");
  summary.className = "note warn";
  summary.textContent = words.no_crypto;
}
