// Loads a GLB with three.js in headless Chromium, plays its first clip to given times and prints what three.js made of
// it: names, influences and world rotations. Everything is served from memory; the browser reaches nothing else.
//
// usage: node play_in_three.mjs CHROMIUM FILE.glb SCREENSHOT.png TIME [TIME ...]
import fs from "node:fs";
import http from "node:http";
import path from "node:path";
import { chromium } from "playwright-core";

const [executablePath, glb, screenshot, ...times] = process.argv.slice(2);
const modules = path.resolve(import.meta.dirname, "../../node_modules");

const page_html = `<!doctype html><body style="margin:0"><script type="importmap">
{"imports": {"three": "/three/build/three.module.js", "three/addons/": "/three/examples/jsm/"}}</script>
<script type="module">
import * as THREE from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";
import { MeshoptDecoder } from "three/addons/libs/meshopt_decoder.module.js";

window.play = async (times) => {
  const loader = new GLTFLoader();
  loader.setMeshoptDecoder(MeshoptDecoder);
  const gltf = await loader.loadAsync("/model.glb");
  const scene = new THREE.Scene();
  scene.background = new THREE.Color(0x20242c);
  scene.add(gltf.scene, new THREE.HemisphereLight(0xffffff, 0x665544, 2));
  const key = new THREE.DirectionalLight(0xffffff, 2);
  key.position.set(-1, 1, 2);
  scene.add(key);
  const morphed = [];
  gltf.scene.traverse((node) => { if (node.morphTargetDictionary) morphed.push(node); });
  const mixer = new THREE.AnimationMixer(gltf.scene);
  mixer.clipAction(gltf.animations[0]).play();
  const renderer = new THREE.WebGLRenderer({ antialias: true, preserveDrawingBuffer: true });
  renderer.setSize(480, 480);
  document.body.appendChild(renderer.domElement);
  const frames = [];
  for (const time of times) {
    mixer.setTime(time);
    gltf.scene.updateMatrixWorld(true);
    const rotations = {};
    gltf.scene.traverse((node) => {
      const xyzw = node.getWorldQuaternion(new THREE.Quaternion()).toArray();
      if (!node.isMesh) rotations[node.name] = xyzw;
    });
    frames.push({ time, rotations, influences: morphed.map((node) => [...node.morphTargetInfluences]) });
  }
  const box = new THREE.Box3();
  for (const node of morphed) {
    const head = gltf.scene.getObjectByName("Head");
    box.expandByPoint((head ?? node).getWorldPosition(new THREE.Vector3()));
  }
  const center = box.getCenter(new THREE.Vector3()).add(new THREE.Vector3(0, 0.05, 0));
  const camera = new THREE.PerspectiveCamera(25, 1, 0.01, 10);
  camera.position.copy(center).add(new THREE.Vector3(0, 0.02, 0.85));
  camera.lookAt(center);
  renderer.render(scene, camera);
  return {
    duration: gltf.animations[0].duration,
    dictionaries: morphed.map((node) => Object.keys(node.morphTargetDictionary)),
    frames,
  };
};
window.ready = true;
</script></body>`;

function answer(request, response) {
  const url = new URL(request.url, "http://localhost").pathname;
  const types = { ".js": "text/javascript", ".glb": "model/gltf-binary" };
  try {
    if (url === "/") {
      response.setHeader("content-type", "text/html");
      response.end(page_html);
      return;
    }
    if (url === "/favicon.ico") {
      response.statusCode = 204;
      response.end();
      return;
    }
    const file = url === "/model.glb" ? glb : path.join(modules, path.normalize(url));
    response.setHeader("content-type", types[path.extname(file)] ?? "application/octet-stream");
    response.end(fs.readFileSync(file));
  } catch {
    response.statusCode = 404;
    response.end();
  }
}

const server = http.createServer(answer);
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const browser = await chromium.launch({
  executablePath,
  args: [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
  ],
});
try {
  const page = await browser.newPage({ viewport: { width: 480, height: 480 } });
  const messages = [];
  page.on("console", (message) => { if (message.type() === "error") messages.push(message.text()); });
  page.on("pageerror", (error) => messages.push(String(error)));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  await page.waitForFunction("window.ready");
  const result = await page.evaluate((list) => window.play(list), times.map(Number));
  await page.screenshot({ path: screenshot });
  console.log(JSON.stringify({ ...result, messages }));
} finally {
  await browser.close();
  server.close();
}
