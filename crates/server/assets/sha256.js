// SHA-256 without waiting: a proof of a thousand entries takes some thirty thousand hashes of 65 bytes each, and every call of
// WebCrypto costs some 30 microseconds whatever it hashes, a second in all. Here one takes about one microsecond.
//
// Rule: FIPS 180-4, sections 4.1.2, 5.1.1 and 6.2. For public bytes only: keys and signatures stay with WebCrypto.

// FIPS 180-4, 4.2.2 and 5.3.3: the first 32 bits of the fractional parts of cube and square roots of the first primes.
const K = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
  0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
  0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
  0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
  0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
  0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
  0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
  0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
]);
const START = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

const words = new Int32Array(64);
const state = new Int32Array(8);
// The last block or two: the rest of the message, one bit, zeros, the length in bits.
const tail = new Uint8Array(128);

/** Takes the 64 bytes of `bytes` from `at` on into the state. */
function block(bytes, at) {
  for (let i = 0; i < 16; i += 1, at += 4) {
    words[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
  }
  for (let i = 16; i < 64; i += 1) {
    const x = words[i - 15];
    const y = words[i - 2];
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
    words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
  }
  // One by one: taking an array apart is slower than the rounds below.
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let i = 0; i < 64; i += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + K[i] + words[i]) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

/** The hash of bytes: 32 bytes. */
export function sha256(bytes) {
  state.set(START);
  let at = 0;
  for (; at + 64 <= bytes.length; at += 64) block(bytes, at);
  const left = bytes.length - at;
  tail.fill(0);
  for (let i = 0; i < left; i += 1) tail[i] = bytes[at + i];
  tail[left] = 0x80;
  const end = left < 56 ? 64 : 128;
  // Lengths in bits may pass 32 bits, and numbers are exact to 53.
  for (let bits = bytes.length * 8, i = end - 1; bits > 0; i -= 1) {
    tail[i] = bits % 256;
    bits = Math.floor(bits / 256);
  }
  block(tail, 0);
  if (end === 128) block(tail, 64);
  const hash = new Uint8Array(32);
  for (let i = 0, at = 0; i < 8; i += 1) {
    const word = state[i];
    hash[at++] = word >>> 24;
    hash[at++] = word >>> 16;
    hash[at++] = word >>> 8;
    hash[at++] = word;
  }
  return hash;
}

const pair = new Uint8Array(65);

/** The hash of a node: one byte, then two hashes. */
export function pairHash(first, left, right) {
  pair[0] = first;
  pair.set(left, 1);
  pair.set(right, 33);
  return sha256(pair);
}
