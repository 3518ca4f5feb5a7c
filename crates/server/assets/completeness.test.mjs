// Tests of completeness.js, over the vectors that Rust and JavaScript share.
// Run: node --test crates/server/assets/completeness.test.mjs
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compare, question, wholeTrace } from "./completeness.js";
import { fromBase64, fromHex, label, same } from "./verify.js";

const vectors = JSON.parse(readFileSync(new URL("../../tlog/tests/data/person-proof-v1.json", import.meta.url), "utf8"));

test("a question is a number and a run of labels", async () => {
  const key = fromHex("a7".repeat(32));
  const body = await question(key, 5, 3);
  assert.equal(body.length, 8 + 3 * 32);
  assert.equal(new DataView(body.buffer).getBigUint64(0), 5n);
  assert.ok(same(body.slice(8, 40), await label(key, 5)));
});

const cased = (name) => vectors.cases.find((one) => one.name === name);
const world = (name) => {
  const { vkey, origin, policy } = vectors;
  return { traceKey: fromHex(cased(name).trace_key), vkey, origin, policy };
};
/** Answers by the number a question begins with. */
const answering = (parts) => async (body) => fromBase64(cased(parts[new DataView(body.buffer).getBigUint64(0)]).proof);
const NOW = 1_795_000_100_000;

test("a whole trace comes in one part or in several of one tree", async () => {
  const once = await wholeTrace({ ...world("all of a person, an export among it"), ask: answering({ 0: "all of a person, an export among it" }) }, NOW);
  assert.equal(once.found.length, 5);
  assert.equal(once.quorum, true);
  const parts = answering({ 0: "a run that does not reach the end", 3: "from the last check on" });
  const twice = await wholeTrace({ ...world("all of a person, an export among it"), ask: parts }, NOW);
  assert.deepEqual(twice.found, once.found);
});

test("parts of two trees are never put together", async () => {
  const real = world("all of a person, an export among it");
  const part = (from, size, byte, complete) => ({
    found: complete ? [] : [{ n: from, index: from, leaf: Uint8Array.of(1), header: null }],
    complete,
    coveredSize: 9,
    coveredTime: NOW,
    cosigned: [],
    quorum: complete,
    checkpoint: { size, root: Uint8Array.of(byte) },
  });
  const rows = [
    ["one tree", (from) => part(from, 10, 7, from > 0), null, 2],
    // The first part as a forked log gives it, unwitnessed; the last as the witnesses confirmed it.
    ["a fork of the same size", (from) => part(from, 10, from === 0 ? 8 : 7, from > 0), "not-ready", 6],
    ["a tree that grew in between", (from) => part(from, from === 0 ? 10 : 11, 7, from > 0), "not-ready", 6],
  ];
  for (const [name, answer, code, asked] of rows) {
    let asks = 0;
    const ask = async () => ((asks += 1), new Uint8Array());
    const whole = wholeTrace({ ...real, ask, check: async (_, { from }) => answer(from) }, NOW);
    if (code) await assert.rejects(whole, { code }, name);
    else assert.equal((await whole).found.length, 1, name);
    assert.equal(asks, asked, name);
  }
});

test("a map root dated after its confirmation is refused", async () => {
  const name = "no witness";
  const ask = answering({ 0: name });
  assert.equal((await wholeTrace({ ...world(name), ask }, NOW)).found.length, 5);
  await assert.rejects(wholeTrace({ ...world(name), ask }, NOW - 10_000_000), { code: "map-proof" });
});

test("what the page hides, changes or forgets is told", () => {
  const leaf = (byte) => Uint8Array.of(1, byte);
  const whole = { found: [0, 1, 2].map((n) => ({ n, index: 3 * n, leaf: leaf(n), header: n === 2 ? { index: 5, leaf: leaf(9) } : null })) };
  const own = (n) => ({ n, leaf: leaf(n), header: null });
  const chunk = { n: 2, leaf: leaf(2), header: leaf(9) };
  const fine = { changed: [], unproved: [], hidden: 0, fewer: 0, ok: true };
  const rows = [
    ["as it is", [own(0), own(1), chunk], 3, 3, fine],
    ["one that the map does not cover yet", [own(0), own(1), chunk, { n: 3, leaf: null, header: null }], 4, 0, fine],
    ["one covered and not proved", [own(0), { n: 1, leaf: null, header: null }, chunk], 3, 0, { ...fine, unproved: [1] }],
    ["one of another tree at its place", [own(0), { n: 1, leaf: leaf(7), header: null }, chunk], 3, 0, { ...fine, changed: [1], ok: false }],
    ["another export's header", [own(0), own(1), { ...chunk, header: leaf(8) }], 3, 0, { ...fine, changed: [2], ok: false }],
    ["no header", [own(0), own(1), { ...chunk, header: null }], 3, 0, { ...fine, changed: [2], ok: false }],
    ["the last hidden", [own(0), own(1)], 2, 0, { ...fine, hidden: 1, ok: false }],
    ["more were seen before", [own(0), own(1), chunk], 3, 5, { ...fine, fewer: 2, ok: false }],
  ];
  for (const [name, shown, total, before, expected] of rows) {
    assert.deepEqual(compare(whole, shown, total, before), expected, name);
  }
});

test("a log that answers with a lie is refused", async () => {
  const ask = async () => new TextEncoder().encode("LHPP\x01 and nothing behind it");
  await assert.rejects(wholeTrace({ ...world("no witness"), ask }), { code: "malformed" });
});
