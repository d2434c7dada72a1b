// Runs the Khronos glTF validator over files and prints one JSON report per line.
const fs = require("fs");
const validator = require("gltf-validator");

async function main() {
  for (const path of process.argv.slice(2)) {
    const bytes = new Uint8Array(fs.readFileSync(path));
    const report = await validator.validateBytes(bytes, { maxIssues: 200 });
    console.log(JSON.stringify({ path, issues: report.issues }));
  }
}

main();
