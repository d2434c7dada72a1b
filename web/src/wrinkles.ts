// Wrinkle maps of a head that `commedia personalize` made: skin that changes with the expression. See docs/formats.md.

import type { GLTF } from "three/addons/loaders/GLTFLoader.js";
import { Mesh, MeshStandardMaterial, type Texture } from "three";

const EXTRAS = "commedia_wrinkles";
const VERSION = 1;
const MOST_MAPS = 8;

interface Entry {
  texture: { index: number };
  weights: Record<string, number>;
}

/** One mesh whose skin follows its morphs. */
interface Wrinkled {
  mesh: Mesh;
  /** Of each map, the morphs that it goes with and their shares. */
  shares: [number, number][][];
  /** How much each map counts now; what the shader reads. */
  counts: number[];
  maps: Texture[];
}

export class Wrinkles {
  private constructor(private readonly wrinkled: Wrinkled[]) {}

  static async of(gltf: GLTF): Promise<Wrinkles> {
    const meshes: Mesh[] = [];
    gltf.scene.traverse((object) => object instanceof Mesh && meshes.push(object));
    const found = await Promise.all(meshes.map((mesh) => wrinkle(gltf, mesh)));
    return new Wrinkles(found.filter((one) => one !== null));
  }

  /** Bring skin up to the morphs' influences. */
  follow(): void {
    for (const { mesh, shares, counts } of this.wrinkled) {
      const influences = mesh.morphTargetInfluences!;
      shares.forEach((share, map) => {
        const sum = share.reduce((total, [target, weight]) => total + weight * influences[target]!, 0);
        counts[map] = Math.min(Math.max(sum, 0), 1);
      });
    }
  }

  dispose(): void {
    this.wrinkled.forEach(({ maps }) => maps.forEach((map) => map.dispose()));
  }
}

async function wrinkle(gltf: GLTF, mesh: Mesh): Promise<Wrinkled | null> {
  const { material, morphTargetDictionary: targets } = mesh;
  if (!(material instanceof MeshStandardMaterial) || !material.map || !targets) return null;
  const told = material.userData[EXTRAS];
  if (told?.version !== VERSION || !Array.isArray(told.maps) || !told.maps.length) return null;
  const entries: Entry[] = told.maps.slice(0, MOST_MAPS);
  try {
    const maps: Texture[] = await Promise.all(entries.map((entry) => gltf.parser.getDependency("texture", entry.texture.index)));
    const shares = entries.map(({ weights }) =>
      Object.entries(weights)
        .filter(([name, weight]) => name in targets && Number.isFinite(weight))
        .map(([name, weight]): [number, number] => [targets[name]!, weight]),
    );
    const counts = maps.map(() => 0);
    paint(material, maps, counts);
    return { mesh, shares, counts, maps };
  } catch {
    // A head whose maps are damaged is drawn without them.
    return null;
  }
}

/** Linear colours times 2 to the sum of what maps say, each as far as it counts; byte 128 changes nothing. */
function paint(material: MeshStandardMaterial, maps: Texture[], counts: number[]): void {
  const names = maps.map((_, map) => `wrinkleMap${map}`);
  const samplers = names.map((name) => `uniform sampler2D ${name};`).join("\n");
  const said = names.map((name, map) => `wrinkleCounts[${map}] * (texture2D(${name}, vMapUv).rgb - 128.0 / 255.0)`);
  const parts = {
    "#include <map_pars_fragment>": `uniform float wrinkleCounts[${maps.length}];\n${samplers}`,
    "#include <map_fragment>": `diffuseColor.rgb *= exp2((${said.join(" + ")}) * 255.0 / 128.0);`,
  };
  material.onBeforeCompile = (shader) => {
    names.forEach((name, map) => (shader.uniforms[name] = { value: maps[map] }));
    shader.uniforms.wrinkleCounts = { value: counts };
    for (const [place, code] of Object.entries(parts)) {
      shader.fragmentShader = shader.fragmentShader.replace(place, `${place}\n${code}`);
    }
  };
  material.customProgramCacheKey = () => `${EXTRAS} ${maps.length}`;
}
