"""Run by Blender's Python: opens one file as a user would, goes to frames and writes down what Blender has there.

    python play_in_blender.py JOB.json RESULT.json

A job names the importer, the file, the scene's rate (`fps`, divided by `fps_base`) and the frames to go to. All places
and turns are given back in the axes of glTF, +y up, from which Blender's importers turn files into +z up.
"""

import json
import sys

import bpy
import numpy as np

BLENDER_FROM_GLTF = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], dtype=float)


def main(job_path: str, result_path: str) -> None:
    with open(job_path, encoding="utf-8") as file:
        job = json.load(file)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = job["fps"], job["fps_base"]
    IMPORTERS[job["kind"]](job["path"])
    spans = [list(action.frame_range) for action in bpy.data.actions]
    result = {
        "version": bpy.app.version_string,
        "fps": scene.render.fps / scene.render.fps_base,
        "span": [min(span[0] for span in spans), max(span[1] for span in spans)] if spans else None,
        "scene_span": [scene.frame_start, scene.frame_end],
        "frames": [at_frame(scene, frame) for frame in job["frames"]],
    }
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(result, file)


def import_sculpt(path: str) -> None:
    """An OBJ, and the point cache of the same name, if there is one, with the modifier's settings as they come."""
    bpy.ops.wm.obj_import(filepath=path)
    modifier = bpy.context.view_layer.objects.active.modifiers.new("cache", "MESH_CACHE")
    modifier.cache_format, modifier.filepath = "PC2", path.removesuffix(".obj") + ".pc2"


IMPORTERS = {
    "gltf": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    "usd": lambda path: bpy.ops.wm.usd_import(filepath=path),
    "bvh": lambda path: bpy.ops.import_anim.bvh(filepath=path, update_scene_fps=True),
    "obj": lambda path: bpy.ops.wm.obj_import(filepath=path),
    "obj and pc2": import_sculpt,
}


def at_frame(scene, frame: float) -> dict:
    """What every visible object shows at a frame of the scene, which may lie between two."""
    scene.frame_set(int(frame), subframe=frame - int(frame))
    graph = bpy.context.evaluated_depsgraph_get()
    shown: dict = {"keys": {}, "vertices": {}, "turns": {}, "places": {}}
    # Not those that draw bones.
    for thing in filter(lambda thing: thing.visible_get(), scene.objects):
        world = in_gltf(thing.matrix_world)
        shown["turns"][thing.name], shown["places"][thing.name] = turn_of(world), world[:3, 3].tolist()
        if thing.type == "MESH":
            shown["vertices"][thing.name] = vertices_of(thing.evaluated_get(graph))
            keys = thing.data.shape_keys
            if keys is not None:
                # The first is the basis.
                shown["keys"][thing.name] = {block.name: block.value for block in keys.key_blocks[1:]}
        elif thing.type == "ARMATURE":
            for bone in thing.pose.bones:
                # Importers choose the axes of bones, so only what a bone does beyond its rest can be compared.
                posed, rest = thing.matrix_world @ bone.matrix, thing.matrix_world @ bone.bone.matrix_local
                shown["turns"][bone.name] = turn_of(in_gltf(posed @ rest.inverted()))
    return shown


def vertices_of(evaluated) -> list[list[float]]:
    """What is drawn: after shape keys, armature and modifiers, in the world."""
    mesh = evaluated.to_mesh()
    flat = np.zeros(3 * len(mesh.vertices), dtype=np.float32)
    mesh.vertices.foreach_get("co", flat)
    world = np.array(evaluated.matrix_world)
    return ((flat.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]) @ BLENDER_FROM_GLTF).tolist()


def in_gltf(matrix) -> np.ndarray:
    turn = np.eye(4)
    turn[:3, :3] = BLENDER_FROM_GLTF
    return turn.T @ np.array(matrix) @ turn


def turn_of(matrix: np.ndarray) -> list[list[float]]:
    return (matrix[:3, :3] / np.linalg.norm(matrix[:3, :3], axis=0)).tolist()


if __name__ == "__main__":
    main(*sys.argv[1:])
