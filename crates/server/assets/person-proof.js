// Checks that a person's list of entries is complete: all that a log holds under his labels, up to the size its map covers.
//
// Rules: docs/trace.md (entries, map, proofs), RFC 6962 2.1 (the log's tree), C2SP signed-note, tlog-checkpoint and
// tlog-cosignature (its signed head). Every lie has a stable code, the same as in the Rust verifier; see [`Failed`].
// Knows the person's trace key and the keys of the log and of witnesses, and believes nothing else.
// What it cannot show: a read that the operator never logged. What an entry says is for verify.js and the key's owner.
import { concat, ed25519, Failed, labelRun, need, parseVkey, same, signaturesBy, toHex, verifyCheckpoint } from "./verify.js";
import { pairHash, sha256 } from "./sha256.js";

/** Most labels of one question. */
export const MAX_LABELS = 4096;
const MAX_ENTRIES = 1 + 2 * MAX_LABELS;
const MAX_NOTE = 1 << 20;
const MAX_CHUNK = 1000;
const MAGIC = Uint8Array.of(0x4c, 0x48, 0x50, 0x50, 1);

/** Reads bytes from the first to the last; whatever is short is `code`. */
class Reader {
  constructor(bytes, code) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.code = code;
    this.at = 0;
  }

  take(length) {
    need(length <= this.bytes.length - this.at, this.code);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  u8() {
    return this.take(1)[0];
  }

  u16() {
    this.take(2);
    return this.view.getUint16(this.at - 2);
  }

  u32(limit = 0xffffffff) {
    this.take(4);
    const value = this.view.getUint32(this.at - 4);
    need(value <= limit, this.code);
    return value;
  }

  /** A number where it is exact, else a BigInt: larger than any tree we check, and compared as such. */
  u64() {
    this.take(8);
    const value = this.view.getBigUint64(this.at - 8);
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }

  end() {
    need(this.at === this.bytes.length, this.code);
  }
}

/**
 * Reads the container; judges its form only. Code: `malformed`.
 *
 * Answers { checkpoint, mapRoot, from, asked, entries: Map(index → bytes), mapProof, treeProof: [hash] }, entries ascending.
 */
export function parsePersonProof(bytes) {
  const reader = new Reader(bytes, "malformed");
  need(same(reader.take(5), MAGIC), "malformed");
  const checkpoint = reader.take(reader.u32(MAX_NOTE));
  const mapRoot = reader.u64();
  const from = reader.u64();
  const asked = reader.u32(MAX_LABELS);
  need(asked > 0 && BigInt(from) + BigInt(asked) < 2n ** 64n, "malformed");
  const entries = new Map();
  let before = -1;
  for (let left = reader.u32(MAX_ENTRIES); left > 0; left -= 1) {
    const index = reader.u64();
    need(index > before, "malformed");
    entries.set(index, reader.take(reader.u16()));
    before = index;
  }
  const mapProof = reader.take(reader.u32());
  const hashes = reader.take(reader.u32());
  need(hashes.length % 32 === 0, "malformed");
  const treeProof = [];
  for (let at = 0; at < hashes.length; at += 32) treeProof.push(hashes.subarray(at, at + 32));
  reader.end();
  return { checkpoint, mapRoot, from, asked, entries, mapProof, treeProof };
}

/** Splits an entry into what everybody can read; null when it is none of ours. */
export function parseEntry(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes[0] === 1 && bytes.length > 81 && (bytes.length - 81) % 256 === 0) {
    return { sort: "event", label: bytes.subarray(1, 33), commitment: bytes.subarray(33, 65) };
  }
  if (bytes[0] === 2 && bytes.length >= 43) {
    const count = view.getUint16(41);
    if (count < 1 || count > MAX_CHUNK || bytes.length !== 43 + 64 * count) return null;
    return { sort: "chunk", header: new Reader(bytes.subarray(1, 9)).u64(), commitment: bytes.subarray(9, 41), owners: bytes.subarray(43) };
  }
  if (bytes[0] === 3 && bytes.length === 57) {
    const numbers = new Reader(bytes.subarray(1, 25));
    const [size, , time] = [numbers.u64(), numbers.u64(), numbers.u64()];
    return { sort: "map root", size, time, root: bytes.subarray(25) };
  }
  return null;
}

/** The wrapped key beside a label in a chunk; null when the label is not there. */
function wrapOf(chunk, label) {
  for (let at = 0; at < chunk.owners.length; at += 64) {
    // Most differ in their first byte.
    if (chunk.owners[at] === label[0] && same(chunk.owners.subarray(at, at + 32), label)) return chunk.owners.subarray(at + 32, at + 64);
  }
  return null;
}

/** RFC 6962 2.1: the hash of an entry. */
const leafHash = (entry) => sha256(concat(Uint8Array.of(0), entry));

/** The largest power of two below n, which is at least two. */
function split(n) {
  let half = 1;
  while (half * 2 < n) half *= 2;
  return half;
}

/**
 * Checks that entries lie in a tree: docs/trace.md, Proof of entries in a tree. Code: `not-in-tree`.
 *
 * `leaves`: [[index, leaf hash]], ascending without repetition; `proof`: [hash].
 */
export function checkEntries(leaves, size, proof, root) {
  leaves.forEach(([index], i) => need(index < size && (i === 0 || index > leaves[i - 1][0]), "not-in-tree"));
  let used = 0;
  const walk = (low, high, start, end) => {
    if (low === high) {
      need(used < proof.length, "not-in-tree");
      used += 1;
      return proof[used - 1];
    }
    if (end - start === 1) return leaves[low][1];
    const middle = start + split(end - start);
    let cut = low;
    while (cut < high && leaves[cut][0] < middle) cut += 1;
    const left = walk(low, cut, start, middle);
    return pairHash(1, left, walk(cut, high, middle, end));
  };
  const found = walk(0, leaves.length, 0, size);
  need(used === proof.length && same(found, root), "not-in-tree");
}

const bit = (label, depth) => (label[depth >> 3] >> (7 - (depth & 7))) & 1;

function compare(a, b) {
  for (let i = 0; i < 32; i += 1) if (a[i] !== b[i]) return a[i] - b[i];
  return 0;
}

/**
 * What a map says of labels: docs/trace.md, Proof of labels in a map. Code: `map-proof`.
 *
 * `asked`: labels, ascending without repetition. Answers the index of each, null for one that is absent.
 */
export function checkLabels(asked, proof, root) {
  const code = "map-proof";
  const reader = new Reader(proof, code);
  const found = asked.map(() => null);
  // The bits walked, as a label.
  const path = new Uint8Array(32);
  const leaf = (label, index) => sha256(concat(Uint8Array.of(2), label, index));
  const walk = (depth, low, high) => {
    if (low === high) return reader.take(32);
    switch (reader.u8()) {
      case 0:
        return new Uint8Array(32);
      case 1: {
        const label = reader.take(32);
        for (let at = 0; at < depth; at += 1) need(bit(label, at) === bit(path, at), code);
        for (let i = low; i < high; i += 1) need(!same(asked[i], label), code);
        return leaf(label, reader.take(8));
      }
      case 2: {
        const index = reader.u64();
        const bytes = reader.bytes.subarray(reader.at - 8, reader.at);
        const position = reader.u32();
        need(position >= low && position < high, code);
        found[position] = index;
        return leaf(asked[position], bytes);
      }
      case 3: {
        need(depth < 256, code);
        let cut = low;
        while (cut < high && bit(asked[cut], depth) === 0) cut += 1;
        const left = walk(depth + 1, low, cut);
        path[depth >> 3] |= 0x80 >> (depth & 7);
        const right = walk(depth + 1, cut, high);
        path[depth >> 3] &= ~(0x80 >> (depth & 7));
        return pairHash(3, left, right);
      }
      default:
        throw new Failed(code);
    }
  };
  const top = walk(0, 0, asked.length);
  reader.end();
  need(same(top, root), code);
  return found;
}

function entryAt(proof, index, code = "entry-missing") {
  const entry = proof.entries.get(index);
  need(entry, code);
  return entry;
}

/** Step 2: the map that the map root binds. */
function mapOf(proof) {
  const map = parseEntry(entryAt(proof, proof.mapRoot));
  need(map?.sort === "map root", "not-a-map-root");
  need(map.size <= proof.mapRoot, "map-root-too-new");
  return map;
}

/** Step 3: where each label stands, null where it does not; labels in their own order. */
function placesOf(proof, labels, root) {
  const order = labels.map((label, i) => [label, i]).sort(([a], [b]) => compare(a, b));
  const found = checkLabels(order.map(([label]) => label), proof.mapProof, root);
  const places = [];
  order.forEach(([, i], at) => (places[i] = found[at]));
  return places;
}

/** Steps 4 and 5 for one label that is in the map. */
function find(proof, n, label, index, covered) {
  need(index < covered, "beyond-map");
  const leaf = entryAt(proof, index);
  const entry = parseEntry(leaf);
  if (entry?.sort === "event") {
    need(same(entry.label, label), "wrong-place");
    return { n, index, leaf, header: null };
  }
  need(entry?.sort === "chunk", "wrong-place");
  const wrap = wrapOf(entry, label);
  need(wrap, "wrong-place");
  const header = entryAt(proof, entry.header, "header-missing");
  const event = parseEntry(header);
  need(event?.sort === "event" && same(event.commitment, entry.commitment), "header-differs");
  return { n, index, leaf, header: { index: entry.header, leaf: header, wrap } };
}

/** The checkpoint of a proof, signed by its log. */
async function headOf(proof, vkey, origin) {
  let note;
  try {
    note = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(proof.checkpoint);
  } catch {
    throw new Failed("bad-checkpoint");
  }
  return verifyCheckpoint(note, vkey, origin);
}

/**
 * When a witness last cosigned a checkpoint, in seconds since 1970; null when it did not.
 * C2SP tlog-cosignature, Ed25519. A false signature of a known key spoils the note: `bad-cosignature`.
 */
async function cosignedAt(head, witness) {
  const verify = await ed25519(witness.key);
  let latest = null;
  for (const bytes of signaturesBy(witness, head)) {
    need(bytes.length === 72, "bad-cosignature");
    const time = new Reader(bytes.subarray(0, 8)).u64();
    need(Number.isSafeInteger(time), "bad-cosignature");
    need(await verify(bytes.slice(8), `cosignature/v1\ntime ${time}\n${head.text}`), "bad-cosignature");
    latest = Math.max(latest ?? 0, time);
  }
  return latest;
}

/** Which witnesses cosigned a checkpoint, and when. */
async function cosignedBy(head, witnesses) {
  const cosigned = [];
  const keys = new Set();
  for (const { name, vkey } of witnesses) {
    const witness = await parseVkey(vkey, 4);
    // What is signed does not name the witness: one key under two names would count twice.
    need(!keys.has(toHex(witness.key)), "bad-policy");
    keys.add(toHex(witness.key));
    const time = await cosignedAt(head, witness);
    if (time !== null) cosigned.push({ name, time });
  }
  return cosigned;
}

/** Our own SHA-256 against the browser's, over the very bytes at hand. */
async function checkHash(bytes) {
  const some = bytes.slice(0, 65536);
  need(same(sha256(some), new Uint8Array(await crypto.subtle.digest("SHA-256", some))), "broken-sha256");
}

/**
 * Checks a person's proof. Throws [`Failed`].
 *
 * `bytes`: the proof. `traceKey`: 32 bytes. `from`, `asked`: the question, numbers of labels; the proof may answer fewer of them.
 * `vkey`, `origin`: the log's. `policy`: { witnesses: [{ name, vkey }], quorum }; each witness has a key of its own.
 *
 * Answers { found: [{ n, index, leaf, header }], complete, coveredSize, coveredTime, checkpoint: { size, root }, cosigned: [{ name, time }], quorum }.
 * `found` are the entries from, from + 1, … without gaps; `header` of a chunk is { index, leaf, wrap }, else null.
 * `complete`: the next label is absent from all entries below `coveredSize`, which, says the log, hold all that was durable by `coveredTime` (ms); otherwise ask on from there.
 * `quorum`: enough witnesses cosigned; where it is false, the list is complete on the log's word alone. Times are seconds since 1970.
 */
export async function checkPersonProof(bytes, { traceKey, from, asked, vkey, origin, policy }) {
  const proof = parsePersonProof(bytes);
  await checkHash(bytes);
  const head = await headOf(proof, vkey, origin);
  const cosigned = await cosignedBy(head, policy.witnesses);
  need(proof.from === from && proof.asked <= asked, "other-question");
  const leaves = Array.from(proof.entries, ([index, entry]) => [index, leafHash(entry)]);
  checkEntries(leaves, head.size, proof.treeProof, head.root);
  const map = mapOf(proof);
  const labels = await labelRun(traceKey, from, proof.asked);
  const places = placesOf(proof, labels, map.root);
  const absent = places.indexOf(null);
  const known = absent < 0 ? places.length : absent;
  need(places.slice(known).every((place) => place === null), "gap");
  const found = places.slice(0, known).map((index, i) => find(proof, from + i, labels[i], index, map.size));
  return {
    found,
    complete: known < places.length,
    coveredSize: map.size,
    coveredTime: map.time,
    checkpoint: { size: head.size, root: head.root },
    cosigned,
    quorum: cosigned.length >= policy.quorum,
  };
}
