// How long a person's proof takes to check in node: the file is made by crates/tlog/examples/person_proof.rs.
// Run: node crates/server/assets/person-proof.bench.mjs FILE
import { readFileSync } from "node:fs";
import { answer } from "./person-proof.vectors.mjs";

const file = JSON.parse(readFileSync(process.argv[2], "utf8"));
for (const one of file.cases) {
  const times = [];
  for (let round = 0; round < 10; round += 1) {
    const begin = performance.now();
    const { found, complete, code } = await answer(file, one);
    times.push(Math.round(performance.now() - begin));
    if (code || !complete) throw new Error(code ?? "not complete");
    if (round === 0) console.log(`${one.name}: ${found.length} found, complete`);
  }
  console.log(`first ${times[0]} ms, middle of ten ${times.toSorted((a, b) => a - b)[5]} ms`);
}
