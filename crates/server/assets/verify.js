// Checks a person's own trace, in his browser, with nothing but WebCrypto.
//
// Rules: leaf format v1 (crates/vault/docs/leaf-v1.md), entries (docs/trace.md), RFC 9162 2.1.1 and 2.1.3.2 (leaf hash, inclusion),
// C2SP signed-note and tlog-checkpoint (the signed head of the log).
// What it shows: each entry lies in the log that the checkpoint signs, belongs to this person's key,
// and none is missing between the first and the last shown.
// What it cannot show alone: that the operator wrote down everything, or that no later entry is held back.

const utf8 = new TextEncoder();

/** A failed check; `code` is stable, the page has its words. */
export class Failed extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** Throws [`Failed`] unless the condition holds. */
export function need(condition, code) {
  if (!condition) throw new Failed(code);
}

/** Bytes of lower- or upper-case hexadecimal. */
export function fromHex(text) {
  need(/^([0-9a-fA-F]{2})*$/.test(text), "malformed");
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Lower-case hexadecimal of bytes. */
export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes of standard base64 (RFC 4648, section 4). */
export function fromBase64(text) {
  need(/^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0, "malformed");
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** Parts in a row. */
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether two runs of bytes are equal. */
export function same(a, b) {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** A number of an entry as 8 bytes, the highest first; a BigInt where it is beyond 2⁵³. */
function counter(n) {
  need((typeof n === "bigint" || Number.isSafeInteger(n)) && n >= 0, "malformed");
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(n));
  return bytes;
}

async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}

async function hmac(key, ...parts) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, concat(...parts)));
}

/** The labels from, from + 1, … of a trace key, `count` of them. */
export async function labelRun(key, from, count) {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key, algorithm, false, ["sign"]);
  const prefix = utf8.encode("liuhen/label/v1");
  const one = (_, i) => crypto.subtle.sign("HMAC", imported, concat(prefix, counter(from + i)));
  const labels = await Promise.all(Array.from({ length: count }, one));
  return labels.map((label) => new Uint8Array(label));
}

/** The label of the n-th entry under a trace key. */
export const label = (key, n) => hmac(key, utf8.encode("liuhen/label/v1"), counter(n));

/** The salt of the n-th entry under a trace key. */
export const salt = (key, n) => hmac(key, utf8.encode("liuhen/salt/v1"), counter(n));

/** What the log holds of an event instead of the event. */
export const commitment = (saltBytes, event) =>
  sha256(utf8.encode("liuhen/commitment/v1"), saltBytes, event);

/** RFC 9162 2.1.1: the hash of a leaf. */
export const leafHash = (leaf) => sha256(Uint8Array.of(0), leaf);

const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

/** RFC 9162 2.1.3.2: the root that `path` leads to from `hash`, entry `index` of `size`. */
export async function rootOf(hash, index, size, path) {
  need(Number.isSafeInteger(index) && Number.isSafeInteger(size), "malformed");
  need(index >= 0 && index < size, "outside-tree");
  // BigInt: shifts of numbers stop at 32 bits.
  let fn = BigInt(index);
  let sn = BigInt(size - 1);
  let root = hash;
  for (const step of path) {
    need(step.length === 32, "malformed");
    need(sn !== 0n, "path-too-long");
    if (fn % 2n === 1n || fn === sn) {
      root = await nodeHash(step, root);
      while (fn % 2n === 0n && fn !== 0n) {
        fn /= 2n;
        sn /= 2n;
      }
    } else {
      root = await nodeHash(root, step);
    }
    fn /= 2n;
    sn /= 2n;
  }
  need(sn === 0n, "path-too-short");
  return root;
}

/** Splits a leaf into what it says in the open. */
export function parseLeaf(leaf) {
  const version = leaf[0];
  if (version === 1) {
    need(leaf.length > 65, "malformed");
    return { version, label: leaf.slice(1, 33), commitment: leaf.slice(33, 65) };
  }
  need(version === 2 && leaf.length >= 43, "malformed");
  const view = new DataView(leaf.buffer, leaf.byteOffset);
  const header = Number(view.getBigUint64(1));
  need(leaf.length === 43 + 64 * view.getUint16(41) && leaf.length > 43, "malformed");
  const labels = [];
  for (let at = 43; at < leaf.length; at += 64) labels.push(leaf.slice(at, at + 32));
  return { version, header, commitment: leaf.slice(9, 41), labels };
}

/** Reads a verifier key `name+hash+base64(type ‖ key)`, Ed25519 only: type 1 signs notes, type 4 cosigns checkpoints. */
export async function parseVkey(text, type = 1) {
  // The name may hold a plus in principle; hash and key are the last two parts, and base64 may hold one too.
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text.trim());
  need(match, "bad-vkey");
  const [, name, hash, encoded] = match;
  const typed = fromBase64(encoded);
  need(typed.length === 33 && typed[0] === type, "bad-vkey");
  const id = (await sha256(utf8.encode(name), Uint8Array.of(10), typed)).slice(0, 4);
  need(toHex(id) === hash, "bad-vkey");
  return { name, id, key: typed.slice(1) };
}

/** Reads a checkpoint note: what is signed, what it says, and its signature lines. */
export function parseCheckpoint(note) {
  const split = note.lastIndexOf("\n\n");
  need(split > 0 && note.endsWith("\n"), "bad-checkpoint");
  const text = note.slice(0, split + 1);
  const [origin, size, root] = text.split("\n");
  need(origin && /^(0|[1-9][0-9]{0,15})$/.test(size ?? ""), "bad-checkpoint");
  const rootBytes = fromBase64(root ?? "");
  need(rootBytes.length === 32 && Number.isSafeInteger(Number(size)), "bad-checkpoint");
  const signatures = note
    .slice(split + 2)
    .split("\n")
    .map((line) => /^— (\S+) (\S+)$/.exec(line))
    .filter(Boolean)
    .map(([, name, encoded]) => ({ name, bytes: fromBase64(encoded) }));
  return { text, origin, size: Number(size), root: rootBytes, signatures };
}

/** What checks a text's Ed25519 signatures by one key; `no-ed25519` where the browser has none. */
export async function ed25519(publicKey) {
  let key;
  try {
    key = await crypto.subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    throw new Failed("no-ed25519");
  }
  return (signature, text) => crypto.subtle.verify("Ed25519", key, signature, utf8.encode(text));
}

/** What a key signed on a note: the bytes after its id, of each signature line that names it. */
export const signaturesBy = (verifier, parsed) =>
  parsed.signatures
    .filter(({ name, bytes }) => name === verifier.name && same(bytes.slice(0, 4), verifier.id))
    .map(({ bytes }) => bytes.slice(4));

/** Checks the log's signature on a checkpoint. `no-ed25519` where the browser has none. */
export async function verifyCheckpoint(note, vkey, origin) {
  const parsed = parseCheckpoint(note);
  need(!origin || parsed.origin === origin, "other-log");
  const verifier = await parseVkey(vkey);
  const verify = await ed25519(verifier.key);
  const signatures = signaturesBy(verifier, parsed);
  for (const signature of signatures) need(await verify(signature, parsed.text), "bad-signature");
  need(signatures.length > 0, "not-signed");
  return parsed;
}

async function checkInclusion(leaf, index, path, head) {
  const root = await rootOf(await leafHash(leaf), index, head.size, path.map(fromHex));
  need(same(root, head.root), "not-in-log");
}

/** Checks one entry against a checkpoint; returns its event. Throws [`Failed`]. */
export async function verifyEntry(key, entry, head) {
  const { proof } = entry;
  const event = utf8.encode(proof.event);
  const leaf = fromBase64(proof.leaf);
  const open = parseLeaf(leaf);
  need(open.version === 1, "malformed");
  need(proof.size === head.size, "other-checkpoint");
  const own = await label(key, entry.n);
  if (proof.chunk) {
    // An export: the header leaf says what happened, a chunk leaf names everybody concerned, by label.
    const chunkLeaf = fromBase64(proof.chunk.leaf);
    const chunk = parseLeaf(chunkLeaf);
    need(chunk.version === 2, "malformed");
    need(chunk.labels.some((one) => same(one, own)), "not-yours");
    need(chunk.header === proof.index && same(chunk.commitment, open.commitment), "other-event");
    await checkInclusion(chunkLeaf, proof.chunk.index, proof.chunk.path, head);
    need(same(await commitment(fromHex(proof.salt), event), open.commitment), "other-event");
  } else {
    need(same(open.label, own), "not-yours");
    // The salt is made anew from the key, so that a salt chosen afterwards to fit another event does not pass.
    need(same(await commitment(await salt(key, entry.n), event), open.commitment), "other-event");
  }
  await checkInclusion(leaf, proof.index, proof.path, head);
  return JSON.parse(proof.event);
}

/** The numbers missing between `from` and `to` (exclusive), at most `limit` of them, and how many came twice. */
export function gaps(numbers, from, to, limit = 20) {
  const seen = new Set(numbers);
  const missing = [];
  for (let n = from; n < to && missing.length < limit; n += 1) if (!seen.has(n)) missing.push(n);
  return { missing, doubled: numbers.length - seen.size };
}

/**
 * Checks a whole trace. Never throws.
 *
 * `trace`: { key: hex, checkpoint, vkey, origin, total, entries: [{ n, proof }] }; `total` counts all entries ever, of which the
 * newest `page` (500) are given, so that fewer must be all; a proof is null while no checkpoint covers its entry (code `pending`, neither good nor bad).
 * Answers { head, code, entries: [{ n, ok, code, event }], missing, doubled }: `code` is null when the checkpoint holds,
 * `no-ed25519` when only its signature could not be checked.
 */
export async function verifyTrace(trace) {
  let head = null;
  let code = null;
  try {
    head = await verifyCheckpoint(trace.checkpoint, trace.vkey, trace.origin);
  } catch (error) {
    code = error instanceof Failed ? error.code : "malformed";
    if (code === "no-ed25519") head = parseCheckpoint(trace.checkpoint);
  }
  const entries = [];
  for (const entry of trace.entries) entries.push(await checkOne(trace.key, entry, head));
  const numbers = trace.entries.map((entry) => entry.n);
  // Whoever hides an entry must lower the total, and then the numbers above it give him away.
  const total = Math.max(trace.total ?? 0, ...numbers.map((n) => n + 1), 0);
  const from = numbers.length < (trace.page ?? 500) ? 0 : Math.min(...numbers);
  return { head, code, entries, ...gaps(numbers, from, total) };
}

async function checkOne(key, entry, head) {
  const result = { n: entry.n, ok: false, code: null, event: null };
  try {
    need(head, "no-checkpoint");
    need(entry.proof, "pending");
    result.event = await verifyEntry(fromHex(key), entry, head);
    result.ok = true;
  } catch (error) {
    result.code = error instanceof Failed ? error.code : "malformed";
  }
  return result;
}
