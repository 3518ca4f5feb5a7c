// Tests of verify.js: known answers of RFC 9162 trees, vectors made by Rust where they exist, and a whole forged trace.
// Run: node --test crates/server/assets/verify.test.mjs
import assert from "node:assert/strict";
import { createHash, createHmac, generateKeyPairSync, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as v from "./verify.js";

const sha = (...parts) => createHash("sha256").update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
const mac = (key, text, n) => {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(n));
  return createHmac("sha256", key).update(text).update(counter).digest();
};
const leafHash = (leaf) => sha([0], leaf);
const node = (a, b) => sha([1], a, b);

// RFC 9162 2.1.1 and 2.1.3.1, written recursively as the standard defines them: another road than the one under test.
function split(n) {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
function mth(hashes) {
  if (hashes.length === 1) return hashes[0];
  const k = split(hashes.length);
  return node(mth(hashes.slice(0, k)), mth(hashes.slice(k)));
}
function path(m, hashes) {
  if (hashes.length === 1) return [];
  const k = split(hashes.length);
  if (m < k) return [...path(m, hashes.slice(0, k)), mth(hashes.slice(k))];
  return [...path(m - k, hashes.slice(k)), mth(hashes.slice(0, k))];
}

// A small log with this person's entries among strangers', signed by a fresh key.
function world() {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = sha("a person's trace key, only for this test");
  const origin = "test.example/log";
  const leaves = Array.from({ length: 11 }, (_, i) => Buffer.concat([Buffer.of(1), sha(`x${i}`), sha(`y${i}`), Buffer.alloc(272)]));
  const events = [0, 1, 2].map((n) => JSON.stringify({ v: 1, time: `2026-11-2${n}T01:12:00.000Z`, action: "read", outcome: "masked", who: "staff:a", name: "前台三号" }));
  const commit = (salt, event) => sha("liuhen/commitment/v1", salt, Buffer.from(event));
  const at = [3, 7];
  for (const n of [0, 1]) {
    leaves[at[n]] = Buffer.concat([Buffer.of(1), mac(key, "liuhen/label/v1", n), commit(mac(key, "liuhen/salt/v1", n), events[n]), Buffer.alloc(272)]);
  }
  // The third is an export: header under the operator's key, the person in a chunk.
  const salt = sha("operator's salt");
  leaves[8] = Buffer.concat([Buffer.of(1), sha("operator's label"), commit(salt, events[2]), Buffer.alloc(272)]);
  const labels = [sha("stranger"), mac(key, "liuhen/label/v1", 2), sha("another")];
  leaves[9] = Buffer.concat([Buffer.of(2, 0, 0, 0, 0, 0, 0, 0, 8), commit(salt, events[2]), Buffer.of(0, 3), ...labels.flatMap((one) => [one, sha("a wrapped key")])]);
  const hashes = leaves.map(leafHash);
  const text = `${origin}\n${leaves.length}\n${mth(hashes).toString("base64")}\n`;
  const typed = Buffer.concat([Buffer.of(1), publicKey.export({ format: "der", type: "spki" }).subarray(-32)]);
  const id = sha(origin, "\n", typed).subarray(0, 4);
  const seal = (body) => `${body}\n— ${origin} ${Buffer.concat([id, sign(null, Buffer.from(body), privateKey)]).toString("base64")}\n`;
  const proof = (index) => ({ index, leaf: leaves[index].toString("base64"), size: leaves.length, path: path(index, hashes).map((hash) => hash.toString("hex")) });
  const entries = [
    { n: 0, proof: { ...proof(3), event: events[0], salt: "" } },
    { n: 1, proof: { ...proof(7), event: events[1], salt: "" } },
    { n: 2, proof: { ...proof(8), event: events[2], salt: salt.toString("hex"), chunk: proof(9) } },
  ];
  return { trace: { key: key.toString("hex"), checkpoint: seal(text), vkey: `${origin}+${id.toString("hex")}+${typed.toString("base64")}`, origin, total: entries.length, entries }, seal, text };
}

test("inclusion agrees with the recursive definition for every tree up to 40 leaves", async () => {
  for (let size = 1; size <= 40; size += 1) {
    const hashes = Array.from({ length: size }, (_, i) => leafHash(Buffer.of(i)));
    for (let index = 0; index < size; index += 1) {
      const root = await v.rootOf(hashes[index], index, size, path(index, hashes));
      assert.equal(v.toHex(root), mth(hashes).toString("hex"), `${index} of ${size}`);
    }
  }
});

test("refuses paths of the wrong length and places outside the tree", async () => {
  const hashes = Array.from({ length: 7 }, (_, i) => leafHash(Buffer.of(i)));
  const good = path(2, hashes);
  await assert.rejects(v.rootOf(hashes[2], 2, 7, good.slice(1)), { code: "path-too-short" });
  await assert.rejects(v.rootOf(hashes[2], 2, 7, [...good, hashes[0]]), { code: "path-too-long" });
  await assert.rejects(v.rootOf(hashes[2], 7, 7, good), { code: "outside-tree" });
  await assert.rejects(v.rootOf(hashes[2], -1, 7, good), { code: "outside-tree" });
});

test("a true trace passes: reads, an export, no gap", async () => {
  const result = await v.verifyTrace(world().trace);
  assert.equal(result.code, null);
  assert.deepEqual(result.entries.map((entry) => [entry.ok, entry.code]), [[true, null], [true, null], [true, null]]);
  assert.equal(result.entries[0].event.name, "前台三号");
  assert.deepEqual([result.missing, result.doubled], [[], 0]);
  assert.equal(result.head.size, 11);
});

test("each lie is found and named", async () => {
  const rows = [
    ["event changed", "other-event", (t) => { t.entries[0].proof.event = t.entries[0].proof.event.replace("前台三号", "前台四号"); }, 0],
    ["another person's leaf", "not-yours", (t) => { t.entries[0].n = 5; }, 0],
    ["leaf changed", "not-in-log", (t) => { const leaf = Buffer.from(t.entries[0].proof.leaf, "base64"); leaf[100] ^= 1; t.entries[0].proof.leaf = leaf.toString("base64"); }, 0],
    ["path changed", "not-in-log", (t) => { t.entries[1].proof.path[0] = "00".repeat(32); }, 1],
    ["proof for another tree", "other-checkpoint", (t) => { t.entries[1].proof.size = 10; }, 1],
    ["left out of the chunk", "not-yours", (t) => { t.entries[2].n = 9; }, 2],
    ["chunk of another header", "other-event", (t) => { const leaf = Buffer.from(t.entries[2].proof.chunk.leaf, "base64"); leaf[8] ^= 1; t.entries[2].proof.chunk.leaf = leaf.toString("base64"); }, 2],
    ["chunk of another export", "other-event", (t) => { const leaf = Buffer.from(t.entries[2].proof.chunk.leaf, "base64"); leaf[15] ^= 1; t.entries[2].proof.chunk.leaf = leaf.toString("base64"); }, 2],
    ["salt of an export changed", "other-event", (t) => { t.entries[2].proof.salt = "00".repeat(32); }, 2],
    ["not base64", "malformed", (t) => { t.entries[0].proof.leaf = "***"; }, 0],
    ["nothing at all", "malformed", (t) => { t.entries[0].proof = {}; }, 0],
    ["empty leaf", "malformed", (t) => { t.entries[0].proof.leaf = ""; }, 0],
  ];
  for (const [name, code, lie, which] of rows) {
    const { trace } = world();
    lie(trace);
    const result = await v.verifyTrace(trace);
    result.entries.forEach((entry, i) => assert.equal(entry.ok, i !== which, `${name}: entry ${i}`));
    assert.equal(result.entries[which].code, code, name);
  }
});

test("a hidden entry leaves a gap", async () => {
  const { trace } = world();
  trace.entries.splice(1, 1);
  assert.deepEqual((await v.verifyTrace(trace)).missing, [1]);
  assert.deepEqual(v.gaps([], 0, 0), { missing: [], doubled: 0 });
  assert.deepEqual(v.gaps([0, 1, 1, 3], 0, 4), { missing: [2], doubled: 1 });
  // The first of all left out, and the last although the total tells of it.
  const first = world().trace;
  first.entries.shift();
  assert.deepEqual((await v.verifyTrace(first)).missing, [0]);
  const last = { ...world().trace, total: 3 };
  last.entries.pop();
  assert.deepEqual((await v.verifyTrace(last)).missing, [2]);
});

test("of a long trace the newest entries are given, without a gap among them", async () => {
  const { trace } = world();
  trace.entries = trace.entries.slice(1).reverse();
  assert.deepEqual((await v.verifyTrace({ ...trace, total: 3, page: 2 })).missing, []);
  assert.deepEqual((await v.verifyTrace({ ...trace, total: 5, page: 2 })).missing, [3, 4]);
});

test("an entry that no checkpoint covers yet is neither good nor bad", async () => {
  const { trace } = world();
  trace.entries[1].proof = null;
  const result = await v.verifyTrace(trace);
  assert.deepEqual(result.entries.map((entry) => entry.code), [null, "pending", null]);
});

test("refuses checkpoints that the log did not sign", async () => {
  const { trace, seal, text } = world();
  const rows = [
    ["size changed", "bad-signature", trace.checkpoint.replace("\n11\n", "\n12\n"), trace.vkey, trace.origin],
    ["unsigned", "not-signed", `${text}\n`, trace.vkey, trace.origin],
    ["another log", "other-log", trace.checkpoint, trace.vkey, "other.example/log"],
    ["another key", "not-signed", trace.checkpoint, world().trace.vkey, trace.origin],
    ["key id does not fit", "bad-vkey", trace.checkpoint, trace.vkey.replace(/\+[0-9a-f]{8}\+/, "+00000000+"), trace.origin],
    ["not a note", "bad-checkpoint", "hello", trace.vkey, trace.origin],
    ["root too short", "bad-checkpoint", seal(text.replace(/\n[^\n]+\n$/, "\nAAAA\n")), trace.vkey, trace.origin],
  ];
  for (const [name, code, note, vkey, origin] of rows) {
    await assert.rejects(v.verifyCheckpoint(note, vkey, origin), { code }, name);
    const result = await v.verifyTrace({ ...trace, checkpoint: note, vkey, origin });
    assert.equal(result.code, code, name);
    assert.ok(result.entries.every((entry) => !entry.ok), name);
  }
});

test("without Ed25519 the entries are checked and the missing check is named", async (t) => {
  const real = crypto.subtle.importKey.bind(crypto.subtle);
  t.mock.method(crypto.subtle, "importKey", (format, key, algorithm, ...rest) =>
    algorithm.name === "Ed25519" ? Promise.reject(new DOMException("no", "NotSupportedError")) : real(format, key, algorithm, ...rest));
  const result = await v.verifyTrace(world().trace);
  assert.equal(result.code, "no-ed25519");
  assert.ok(result.entries.every((entry) => entry.ok));
});

// Vectors made by the vault (Rust); n is text there, since it may be beyond 2⁵³.
test("leaf vectors of the vault", async () => {
  const file = JSON.parse(readFileSync(new URL("../../vault/tests/data/leaf-v1.json", import.meta.url), "utf8"));
  const key = v.fromHex(file.trace_key);
  assert.ok(file.leaves.length > 0);
  for (const one of file.leaves) {
    const n = BigInt(one.n);
    const open = v.parseLeaf(v.fromHex(one.leaf));
    assert.equal(v.toHex(await v.label(key, n)), one.label);
    assert.equal(v.toHex(await v.salt(key, n)), one.salt);
    assert.equal(v.toHex(await v.commitment(v.fromHex(one.salt), new TextEncoder().encode(one.event))), one.commitment);
    assert.deepEqual([open.version, v.toHex(open.label), v.toHex(open.commitment)], [1, one.label, one.commitment]);
  }
  const chunk = v.parseLeaf(v.fromHex(file.chunk.leaf));
  assert.deepEqual(
    [chunk.version, String(chunk.header), v.toHex(chunk.commitment), chunk.labels.map(v.toHex)],
    [2, file.chunk.header_index, file.chunk.header, file.chunk.labels],
  );
  const shared = file.shared;
  assert.equal(v.toHex(await v.commitment(v.fromHex(shared.salt), new TextEncoder().encode(shared.event))), shared.commitment);
});

// A whole page as the server made it, handed over by the Rust test that starts this run.
test("the trace of a page made by the server", { skip: !process.env.LIUHEN_TRACE }, async () => {
  const trace = JSON.parse(readFileSync(process.env.LIUHEN_TRACE, "utf8"));
  const result = await v.verifyTrace(trace);
  assert.equal(result.code, null);
  assert.ok(result.entries.length > 0);
  assert.deepEqual(result.entries.map((entry) => entry.code), result.entries.map(() => null));
  assert.deepEqual([result.missing, result.doubled], [[], 0]);
});

test("htmx is the file whose hash is written down", () => {
  const hash = createHash("sha256").update(readFileSync(new URL("htmx.min.js", import.meta.url))).digest("hex");
  assert.ok(readFileSync(new URL("README.md", import.meta.url), "utf8").includes(hash));
});
