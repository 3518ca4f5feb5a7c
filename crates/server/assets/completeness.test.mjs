// Tests of completeness.js, over the vectors that Rust and JavaScript share.
// Run: node --test crates/server/assets/completeness.test.mjs
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { compare, question, wholeTrace } from "./completeness.js";
import { fromHex, label, same } from "./verify.js";

const vectors = JSON.parse(readFileSync(new URL("../../tlog/tests/data/person-proof-v1.json", import.meta.url), "utf8"));

test("a question is a number and a run of labels", async () => {
  const key = fromHex("a7".repeat(32));
  const body = await question(key, 5, 3);
  assert.equal(body.length, 8 + 3 * 32);
  assert.equal(new DataView(body.buffer).getBigUint64(0), 5n);
  assert.ok(same(body.slice(8, 40), await label(key, 5)));
});

test("what the page hides, moves or forgets is told", () => {
  const whole = { places: [3, 9, 12] };
  const rows = [
    ["as it is", [[0, 3], [1, 9], [2, 12]], 3, 3, { moved: [], hidden: 0, fewer: 0, ok: true }],
    ["one not covered yet", [[0, 3], [1, 9], [2, 12], [3, null]], 4, 0, { moved: [], hidden: 0, fewer: 0, ok: true }],
    ["one moved", [[0, 3], [1, 8], [2, 12]], 3, 0, { moved: [1], hidden: 0, fewer: 0, ok: false }],
    ["the last hidden", [[0, 3], [1, 9]], 2, 0, { moved: [], hidden: 1, fewer: 0, ok: false }],
    ["more were seen before", [[0, 3], [1, 9], [2, 12]], 3, 5, { moved: [], hidden: 0, fewer: 2, ok: false }],
  ];
  for (const [name, shown, total, before, expected] of rows) {
    const list = shown.map(([n, index]) => ({ n, index }));
    assert.deepEqual(compare(whole, list, total, before), expected, name);
  }
});

test("a log that answers with a lie is refused", async () => {
  const ask = async () => new TextEncoder().encode("LHPP\x01 and nothing behind it");
  const traceKey = fromHex("a7".repeat(32));
  const world = { traceKey, vkey: vectors.vkey ?? "", origin: "", policy: { witnesses: [], quorum: 0 }, ask };
  await assert.rejects(wholeTrace(world), { code: "malformed" });
});
