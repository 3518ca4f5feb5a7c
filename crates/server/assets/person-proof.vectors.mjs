// Answers a case of crates/tlog/tests/data/person-proof-v1.json as the file puts it; in node and in a browser.
import { checkPersonProof } from "./person-proof.js";
import { sha256 } from "./sha256.js";
import { concat, Failed, fromBase64, fromHex, toHex } from "./verify.js";

const leafHash = (leaf) => toHex(sha256(concat(Uint8Array.of(0), leaf)));

/** { found, complete, … } or { code }. Anything but [`Failed`] is a fault of the verifier and is thrown on. */
export async function answer({ vkey, origin, policy }, { trace_key, from, asked, proof }) {
  try {
    const question = { traceKey: fromHex(trace_key), from, asked, vkey, origin, policy };
    const { found, complete, coveredSize, coveredTime, checkpoint, cosigned, quorum } = await checkPersonProof(fromBase64(proof), question);
    const entry = ({ n, index, leaf, header }) => ({ n, index, leaf: leafHash(leaf), header: header?.index ?? null });
    return { found: found.map(entry), complete, covered: coveredSize, time: coveredTime, size: checkpoint.size, cosigned, quorum };
  } catch (error) {
    if (error instanceof Failed) return { code: error.code };
    throw error;
  }
}
