"""Every function and dataclass of a package takes and gives what its types say, sizes of arrays included.

jaxtyping's own hook does the same at many times the cost: it binds and checks what is given twice, opens a memory of
sizes for functions without arrays too, and prepares all functions when they are imported, most of which no test calls.
"""

import ast
import inspect
import sys
from collections.abc import Callable
from functools import wraps
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType
from typing import Any

from beartype import BeartypeConf, beartype
from jaxtyping import jaxtyped

CONF = BeartypeConf(violation_type=TypeError)
ONE_CALL = jaxtyped("context")
"""Inside it a name in a shape stands for one size."""


def check_types_of(package: str) -> None:
    """From now on modules of a package are imported with their types checked; none may have been imported before."""
    assert package not in sys.modules, f"{package} was imported before its types could be checked"
    sys.meta_path.insert(0, _Finder(package))


def checked(thing: Any) -> Any:
    """A function, or a class, that fails with a `TypeError` where something is not of its type."""
    if inspect.isclass(thing):
        if {"__dataclass_params__", "__init__"} <= vars(thing).keys():
            thing.__init__ = checked(thing.__init__)
        return thing
    annotations = repr(thing.__annotations__)
    # What a function makes anew at each of its calls is prepared anew, half a millisecond: only where arrays pass.
    is_local = "<locals>" in thing.__qualname__
    return thing if annotations == "{}" or (is_local and "jaxtyping." not in annotations) else _prepared_late(thing)


def _prepared_late(function: Callable) -> Callable:
    typed: Callable | None = None

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal typed
        if typed is None:
            typed = _prepared(function)
        return typed(*args, **kwargs)

    return call


def _prepared(function: Callable) -> Callable:
    typed, annotations = beartype(function, conf=CONF), repr(function.__annotations__)
    if "jaxtyping." not in annotations:
        return typed
    if "{" in annotations[1:]:  # a size is an argument
        return jaxtyped(typed, typechecker=None)

    def call(*args: Any, **kwargs: Any) -> Any:
        with ONE_CALL:
            return typed(*args, **kwargs)

    return call


class _Decorate(ast.NodeTransformer):
    """Puts `checked` on every class and every function but coroutines, which servers know by being some."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        # Nearest to the function: properties, caches and context managers are made of the checked one.
        node.decorator_list.append(self._decorator(node))
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        # Outermost: the class is a dataclass by then.
        node.decorator_list.insert(0, self._decorator(node))
        return self.generic_visit(node)

    @staticmethod
    def _decorator(node: ast.stmt) -> ast.expr:
        tree = ast.parse(f"__import__({__name__!r}).checked", mode="eval").body
        return ast.fix_missing_locations(ast.copy_location(tree, node))


class _Loader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        # Always from the source: the compiled file beside it checks nothing.
        return self.source_to_code(self.get_data(self.path), self.path)

    def source_to_code(self, data: Any, path: Any, *, _optimize: int = -1) -> CodeType:
        tree = _Decorate().visit(ast.parse(data, path))
        return compile(tree, path, "exec", dont_inherit=True, optimize=_optimize)


class _Finder(MetaPathFinder):
    def __init__(self, package: str):
        self._package = package

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if fullname != self._package and not fullname.startswith(f"{self._package}."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and isinstance(spec.loader, SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec
