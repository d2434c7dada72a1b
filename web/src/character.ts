// A character's file to something that a pose moves: morphs by mesh, turned nodes, springs of a VRM.

import { VRMLoaderPlugin, VRMUtils, type VRM } from "@pixiv/three-vrm";
import { Box3, Group, Mesh, type Object3D, Quaternion, Vector3 } from "three";
import { GLTFLoader, type GLTF } from "three/addons/loaders/GLTFLoader.js";
import { MeshoptDecoder } from "three/addons/libs/meshopt_decoder.module.js";
import { address, type CharacterFacts } from "./connection";
import type { Person } from "./moments";
import { Wrinkles } from "./wrinkles";

export const LARGEST_FILE = 128 * 1024 * 1024;
/** Every head is drawn this high, whatever its file's units. */
export const HEAD_M = 0.26;
const PARSE_MS = 20_000;
/** Vertices of a mesh that are looked at to find where the head is. */
const MOST_MEASURED = 3000;

const files = new Map<number, Promise<ArrayBuffer>>();

export class Character {
  /** Looks along +z, with the middle of its face at the origin. */
  readonly root = new Group();
  private readonly meshes: { mesh: Mesh; rows: number[] }[] = [];
  private readonly turned: (Object3D | undefined)[];

  private constructor(
    readonly facts: CharacterFacts,
    gltf: GLTF,
    private readonly vrm: VRM | undefined,
    private readonly wrinkles: Wrinkles,
  ) {
    const nodes = new Map<number, Object3D>();
    gltf.scene.traverse((object) => {
      const from = gltf.parser.associations.get(object) as { nodes?: number; meshes?: number } | undefined;
      if (from?.nodes !== undefined) nodes.set(from.nodes, object);
      if (object instanceof Mesh) {
        // What a morph moves may leave the box of the file.
        object.frustumCulled = false;
        const rows = from?.meshes === undefined ? undefined : facts.weights[from.meshes];
        if (object.morphTargetInfluences && rows) this.meshes.push({ mesh: object, rows });
      }
    });
    this.turned = facts.turned.map((node) => nodes.get(node));
    const facing = new Group();
    facing.quaternion.copy(new Quaternion(...facts.facing).invert());
    facing.add(gltf.scene);
    this.root.add(facing);
    this.root.updateMatrixWorld(true);
    for (const side of [1, -1]) lowerArm(gltf.scene, this.vrm, side);
    this.frame(facing, facts.head === null ? undefined : nodes.get(facts.head));
  }

  static async load(facts: CharacterFacts): Promise<Character> {
    let file = files.get(facts.number);
    if (!file) {
      file = fetch(address(`/characters/${facts.number}.glb`)).then((answer) => answer.arrayBuffer());
      files.set(facts.number, file);
    }
    const gltf = await parse(await file);
    return new Character(facts, gltf, gltf.userData.vrm as VRM | undefined, await Wrinkles.of(gltf));
  }

  pose(person: Person): void {
    for (const { mesh, rows } of this.meshes) {
      const influences = mesh.morphTargetInfluences!;
      for (let target = 0; target < rows.length; target++) influences[target] = person.weights[rows[target]!] ?? 0;
    }
    this.wrinkles.follow();
    this.turned.forEach((node, index) => node?.quaternion.fromArray(person.rotations, 4 * index));
  }

  /** Hair and clothes swing on. */
  swing(seconds: number): void {
    this.vrm?.springBoneManager?.update(seconds);
    this.vrm?.materials?.forEach((material) => (material as { update?: (s: number) => void }).update?.(seconds));
  }

  /** Geometry, materials and textures: people come and go for hours. */
  dispose(): void {
    this.wrinkles.dispose();
    VRMUtils.deepDispose(this.root);
  }

  private frame(content: Object3D, head: Object3D | undefined): void {
    this.root.updateMatrixWorld(true);
    const all = new Box3().setFromObject(content, true);
    const box = head ? headBox(content, head.getWorldPosition(new Vector3()), all) : all;
    const size = box.getSize(new Vector3());
    const scale = HEAD_M / Math.max(size.y, 1e-3);
    const middle = box.getCenter(new Vector3());
    content.scale.setScalar(scale);
    content.position.copy(middle).multiplyScalar(-scale);
  }
}

const ARMS = [
  /^(J_Bip_L_UpperArm|leftupperarm|(mixamorig:?)?leftarm|upperarm[_.]?l|(CC_Base_)?L_Upperarm|shoulder\.L)$/i,
  /^(J_Bip_R_UpperArm|rightupperarm|(mixamorig:?)?rightarm|upperarm[_.]?r|(CC_Base_)?R_Upperarm|shoulder\.R)$/i,
];

/** Arms that a file stretches out to the sides hang down: the stage is for faces, and has neighbours. */
function lowerArm(scene: Object3D, vrm: VRM | undefined, side: number): void {
  let arm = vrm?.humanoid?.getRawBoneNode(side > 0 ? "leftUpperArm" : "rightUpperArm") ?? undefined;
  scene.traverse((object) => (arm ??= ARMS[side > 0 ? 0 : 1]!.test(object.name) ? object : undefined));
  const fore = arm?.children.find((child) => child.position.lengthSq() > 0);
  if (!arm?.parent || !fore) return;
  const along = fore.getWorldPosition(new Vector3()).sub(arm.getWorldPosition(new Vector3())).normalize();
  if (Math.abs(along.x) < 0.6) return;
  const turn = new Quaternion().setFromUnitVectors(along, new Vector3(0.28 * Math.sign(along.x), -0.96, 0));
  const above = arm.parent.getWorldQuaternion(new Quaternion());
  arm.quaternion.premultiply(above.clone().invert().multiply(turn).multiply(above));
}

/** What is above the joint of the head, but not the tip of a hat or a tail of hair. */
function headBox(content: Object3D, joint: Vector3, all: Box3): Box3 {
  const box = new Box3();
  const point = new Vector3();
  const most = 1.6 * Math.max(all.max.y - joint.y, 1e-3);
  content.traverse((object) => {
    if (!(object instanceof Mesh)) return;
    const { count } = object.geometry.getAttribute("position");
    const step = Math.max(1, Math.floor(count / MOST_MEASURED));
    for (let index = 0; index < count; index += step) {
      object.getVertexPosition(index, point).applyMatrix4(object.matrixWorld);
      const near = Math.abs(point.x - joint.x) < most && Math.abs(point.z - joint.z) < most;
      if (near && point.y >= joint.y - 1e-4) box.expandByPoint(point);
    }
  });
  return box.isEmpty() ? all : box;
}

/** A file's bytes to its scene; rejects with a sentence. Nothing is fetched that a file names. */
export async function parse(data: ArrayBuffer): Promise<GLTF> {
  const late = new Promise<never>((_, reject) => setTimeout(() => reject(new Error("it takes too long")), PARSE_MS));
  // A VRM that lacks bones of the body is refused as such, and has a face all the same.
  const scene = loaderFor(true).parseAsync(data, "").catch(() => loaderFor(false).parseAsync(data, ""));
  return Promise.race([scene, late]);
}

function loaderFor(vrm: boolean): GLTFLoader {
  const loader = new GLTFLoader();
  loader.setMeshoptDecoder(MeshoptDecoder);
  loader.manager.setURLModifier((url) => {
    if (!url.startsWith("blob:") && !url.startsWith("data:")) throw new Error("it names a file outside itself");
    return url;
  });
  if (vrm) loader.register((parser) => new VRMLoaderPlugin(parser, { autoUpdateHumanBones: false }));
  return loader;
}

/** What is wrong with a file that was dropped, in a sentence; nothing for a character. */
export async function wrongWith(file: File): Promise<string> {
  if (!/\.(glb|vrm)$/i.test(file.name)) return `${file.name} is no character: drop a .glb or a .vrm`;
  if (file.size > LARGEST_FILE) return `${file.name} is larger than ${LARGEST_FILE >> 20} MiB`;
  try {
    const data = await file.arrayBuffer();
    if (new TextDecoder().decode(data.slice(0, 4)) !== "glTF") return `${file.name} is not a glTF file`;
    const gltf = await parse(data);
    let morphs = 0;
    gltf.scene.traverse((object) => (morphs += object instanceof Mesh ? (object.morphTargetInfluences?.length ?? 0) : 0));
    return morphs ? "" : `${file.name} has no blendshapes: nothing of its face could move`;
  } catch (error) {
    // What the reader stumbles over in a damaged file is a matter of its own inside.
    const known = error instanceof Error && !(error instanceof RangeError || error instanceof TypeError);
    return `${file.name} cannot be read: ${known ? error.message : "it is damaged"}`;
  }
}
