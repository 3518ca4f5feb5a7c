// Tests of person-proof.js and sha256.js: the vectors that Rust answers too, and hashes against another implementation.
// Run: node --test crates/server/assets/person-proof.test.mjs
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as p from "./person-proof.js";
import { answer } from "./person-proof.vectors.mjs";
import { pairHash, sha256 } from "./sha256.js";
import { toHex } from "./verify.js";

const file = JSON.parse(readFileSync(new URL("../../tlog/tests/data/person-proof-v1.json", import.meta.url), "utf8"));
const theirs = (bytes) => createHash("sha256").update(bytes).digest("hex");

test("SHA-256 of the standard's examples", () => {
  const rows = [
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    ["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"],
    ["a".repeat(1000000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
  ];
  for (const [text, hash] of rows) assert.equal(toHex(sha256(new TextEncoder().encode(text))), hash);
});

test("SHA-256 of every length up to five blocks, as OpenSSL has it", () => {
  const noise = Uint8Array.from({ length: 320 }, (_, i) => (i * 167 + 13) % 256);
  for (let length = 0; length <= noise.length; length += 1) {
    const bytes = noise.subarray(length % 7, length);
    assert.equal(toHex(sha256(bytes)), theirs(bytes), `${length}`);
  }
  const [left, right] = [noise.slice(0, 32), noise.slice(32, 64)];
  assert.equal(toHex(pairHash(3, left, right)), theirs(Buffer.concat([Buffer.of(3), left, right])));
});

test("every case is answered as written", async () => {
  assert.ok(file.cases.length > 60);
  for (const one of file.cases) assert.deepEqual(await answer(file, one), one.expected, one.name);
});

test("any byte changed is found out", async () => {
  const one = file.cases.find(({ name }) => name === "all of a person, an export among it");
  const bytes = Buffer.from(one.proof, "base64");
  const note = bytes.readUInt32BE(5);
  for (let at = 0; at < bytes.length; at += 31) {
    // A cosignature's line may be broken so that it is nobody's; then the quorum is gone.
    const changed = Buffer.from(bytes);
    changed[at] ^= 1;
    const result = await answer(file, { ...one, proof: changed.toString("base64") });
    assert.ok(result.code || (at < 9 + note && !result.quorum), `byte ${at}`);
  }
});

test("a policy that counts one witness twice is refused, and one without a quorum confirms nothing", async () => {
  const one = file.cases.find(({ name }) => name === "one witness of two");
  const [, second] = file.policy.witnesses;
  const twice = { quorum: 2, witnesses: [second, { ...second, name: "the same again" }] };
  assert.deepEqual(await answer({ ...file, policy: twice }, one), { code: "bad-policy" });
  assert.equal((await answer({ ...file, policy: { witnesses: [second] } }, one)).quorum, false);
  assert.equal((await answer({ ...file, policy: { witnesses: [second], quorum: 1 } }, one)).quorum, true);
  // A log's key is no witness's.
  const log = { quorum: 1, witnesses: [{ name: "log", vkey: file.vkey }] };
  assert.deepEqual(await answer({ ...file, policy: log }, one), { code: "bad-vkey" });
});

test("proofs of the wrong length or order are refused", () => {
  const hash = sha256(Uint8Array.of(1));
  const root = pairHash(1, hash, hash);
  p.checkEntries([[0, hash]], 2, [hash], root);
  p.checkEntries([[0, hash], [1, hash]], 2, [], root);
  p.checkEntries([], 2, [root], root);
  const rows = [
    [[[0, hash]], 2, []],
    [[[0, hash]], 2, [hash, hash]],
    [[[1, hash], [0, hash]], 2, []],
    [[[0, hash], [0, hash]], 2, []],
    [[[2, hash]], 2, [hash]],
    [[[0, hash]], 0, []],
    [[[2n ** 60n, hash]], 2, [hash]],
  ];
  for (const [leaves, size, proof] of rows) assert.throws(() => p.checkEntries(leaves, size, proof, root), { code: "not-in-tree" });
});

test("map proofs deeper than a label are refused", () => {
  const label = new Uint8Array(32);
  const leaf = (index) => Uint8Array.from([2, ...label, 0, 0, 0, 0, 0, 0, 0, index]);
  // One label in the deepest place there is, a stranger's that differs in the last bit beside it.
  let root = pairHash(3, sha256(leaf(7)), new Uint8Array(32).fill(9));
  const proof = [2, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, ...new Array(32).fill(9)];
  for (let depth = 255; depth > 0; depth -= 1) {
    root = pairHash(3, root, new Uint8Array(32));
    proof.push(...new Array(32).fill(0));
  }
  const bytes = (nodes) => Uint8Array.from([...new Array(nodes).fill(3), ...proof]);
  assert.deepEqual(p.checkLabels([label], bytes(256), root), [7]);
  const deeper = Uint8Array.from([...bytes(257), ...new Array(32).fill(0)]);
  assert.throws(() => p.checkLabels([label], deeper, pairHash(3, root, new Uint8Array(32))), { code: "map-proof" });
});
