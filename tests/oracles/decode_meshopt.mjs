// Decompresses every EXT_meshopt_compression buffer view of a GLB with the reference decoder that ships with three.js
// and prints the SHA-256 of each, by buffer view.
import crypto from "node:crypto";
import fs from "node:fs";
import { MeshoptDecoder } from "three/addons/libs/meshopt_decoder.module.js";

await MeshoptDecoder.ready;
const file = fs.readFileSync(process.argv[2]);
const jsonLength = file.readUInt32LE(12);
const tree = JSON.parse(file.subarray(20, 20 + jsonLength).toString());
const binary = file.subarray(28 + jsonLength);
const digests = {};
tree.bufferViews.forEach((view, number) => {
  const coded = view.extensions?.EXT_meshopt_compression;
  if (!coded) return;
  const start = coded.byteOffset ?? 0;
  const source = new Uint8Array(binary.subarray(start, start + coded.byteLength));
  const target = new Uint8Array(coded.count * coded.byteStride);
  MeshoptDecoder.decodeGltfBuffer(target, coded.count, coded.byteStride, source, coded.mode, coded.filter);
  digests[number] = crypto.createHash("sha256").update(target).digest("hex");
});
console.log(JSON.stringify(digests));
