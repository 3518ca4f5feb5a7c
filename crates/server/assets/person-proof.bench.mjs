// How long a person's proof takes to check in node: the file is made by crates/tlog/examples/person_proof.rs.
// Run: node crates/server/assets/person-proof.bench.mjs FILE
import { readFileSync } from "node:fs";
import { checkPersonProof } from "./person-proof.js";
import { fromBase64, fromHex } from "./verify.js";

const { vkey, origin, policy, cases } = JSON.parse(readFileSync(process.argv[2], "utf8"));
const middle = (times) => times.toSorted((a, b) => a - b)[times.length >> 1].toFixed(1);
for (const { name, trace_key, from, asked, proof } of cases) {
  const bytes = fromBase64(proof);
  const [clock, cpu] = [[], []];
  for (let round = 0; round < 15; round += 1) {
    const [begin, used] = [performance.now(), process.cpuUsage()];
    const { found, complete } = await checkPersonProof(bytes, { traceKey: fromHex(trace_key), from, asked, vkey, origin, policy });
    clock.push(performance.now() - begin);
    const { user, system } = process.cpuUsage(used);
    cpu.push((user + system) / 1000);
    if (round === 0) console.log(`${name}: ${found.length} found, complete: ${complete}, ${bytes.length} bytes`);
  }
  console.log(`first ${clock[0].toFixed(1)} ms, middle of 15 ${middle(clock)} ms (processor ${middle(cpu)} ms)`);
}
