"""The small faults that are planted one at a time: comparison, boundary, arithmetic, constant,
boolean, rounding, return.

A fault is a change of one node of a module's syntax tree. Constants count wherever they stand, in
functions, defaults and at module level, figures in `Decimal("0.15")` too. Prose is left alone:
docstrings, f-strings, annotations and the arguments that become sentences.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

PROSE = {"message", "room", "excess", "lack", "title", "text", "reason", "unit", "code", "filter"}
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}
SWAPPED = {  # names that say a direction
    "min": "max",
    "max": "min",
    "any": "all",
    "all": "any",
    "ROUND_FLOOR": "ROUND_CEILING",
    "ROUND_CEILING": "ROUND_FLOOR",
    "floor_to_step": "ceil_to_step",
    "ceil_to_step": "floor_to_step",
    "floor_to_tick": "ceil_to_tick",
    "ceil_to_tick": "floor_to_tick",
    "cents_up": "cents_down",
    "cents_down": "cents_up",
}

COMES_FROM = {  # where a swapped name is imported from, so that no fault is a mere NameError
    "ROUND_FLOOR": "decimal",
    "ROUND_CEILING": "decimal",
    "floor_to_step": "risk.symbols",
    "ceil_to_step": "risk.symbols",
    "floor_to_tick": "risk.symbols",
    "ceil_to_tick": "risk.symbols",
    "cents_up": "risk.wording",
    "cents_down": "risk.wording",
}

Path = tuple[tuple[str, int | None], ...]  # how to walk from the module to the node


@dataclass(frozen=True, slots=True)
class Fault:
    """One change: where, and what it turns into what."""

    line: int
    owner: str  # the function or class it stands in, or "" at module level
    what: str
    path: Path
    change: Callable[[ast.AST], ast.AST]

    def planted(self, tree: ast.Module) -> ast.Module:
        """The module with this fault in it."""
        tree = copy.deepcopy(tree)
        parent: ast.AST = tree
        for name, index in self.path[:-1]:
            parent = _child(parent, name, index)
        name, index = self.path[-1]
        new = self.change(_child(parent, name, index))
        if index is None:
            setattr(parent, name, new)
        else:
            getattr(parent, name)[index] = new
        if isinstance(new, ast.Name) and (origin := COMES_FROM.get(new.id)):
            known = {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}
            if new.id not in known:
                tree.body.insert(1, ast.ImportFrom(origin, [ast.alias(new.id)], 0))
        return ast.fix_missing_locations(tree)


def faults(source: str) -> list[Fault]:
    """Every fault that can be planted in a module's source."""
    return list(_walk(ast.parse(source), (), ""))


def _child(parent: ast.AST, name: str, index: int | None) -> ast.AST:
    value = getattr(parent, name)
    found: ast.AST = value if index is None else value[index]
    return found


def _walk(node: ast.AST, path: Path, owner: str) -> Iterator[Fault]:
    if path:
        for what, change in _changes(node):
            yield Fault(getattr(node, "lineno", 0), owner, what, path, change)
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        owner = f"{owner}.{node.name}" if owner else node.name
    for name, value in ast.iter_fields(node):
        if _left_alone(node, name):
            continue
        if isinstance(value, ast.AST):
            if not _is_prose(value):
                yield from _walk(value, (*path, (name, None)), owner)
        elif isinstance(value, list):
            for index, each in enumerate(value):
                if isinstance(each, ast.AST) and not _is_prose(each):
                    yield from _walk(each, (*path, (name, index)), owner)


def _left_alone(node: ast.AST, name: str) -> bool:
    """Annotations, decorators and operators (the node they belong to changes them)."""
    if name in ("annotation", "returns", "decorator_list", "op", "ops", "bases", "type_params"):
        return True
    return name == "value" and isinstance(node, ast.AnnAssign | ast.Assign) and _is_a_type(node)


def _is_a_type(node: ast.AnnAssign | ast.Assign) -> bool:
    """`X = Literal[...]`, `Share = tuple[...]`, `__all__`."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if any(isinstance(each, ast.Name) and each.id == "__all__" for each in targets):
        return True
    value = node.value
    return (
        isinstance(value, ast.Subscript)
        and isinstance(value.value, ast.Name)
        and (value.value.id in ("Literal", "tuple", "dict", "Callable", "list"))
    )


def _is_prose(node: ast.AST) -> bool:
    if isinstance(node, ast.JoinedStr | ast.Raise | ast.Assert | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.keyword) and node.arg in PROSE:
        return True
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)  # a docstring


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[ast.AST], ast.AST]]]:
    shown = ast.unparse(node) if isinstance(node, ast.expr) else ""
    match node:
        case ast.Compare(ops=ops):
            for place, operator in enumerate(ops):
                for other in COMPARISONS[type(operator)]:
                    yield f"{shown}: {_name(operator)} → {other.__name__}", _compare(place, other)
        case ast.BinOp(op=operator) if type(operator) in ARITHMETIC and not _is_text(node):
            other_op = ARITHMETIC[type(operator)]
            yield f"{shown}: {_name(operator)} → {other_op.__name__}", _set("op", other_op)
        case ast.BoolOp(op=operator):
            turned = ast.Or if isinstance(operator, ast.And) else ast.And
            yield f"{shown}: {_name(operator)} → {turned.__name__}", _set("op", turned)
        case ast.UnaryOp(op=ast.Not()):
            yield f"{shown}: not dropped", lambda it: it.operand  # type: ignore[attr-defined]
        case ast.UnaryOp(op=ast.USub()):
            yield f"{shown}: minus dropped", lambda it: it.operand  # type: ignore[attr-defined]
        case ast.Constant(value=bool() as truth):
            yield f"{truth} → {not truth}", _constant(not truth)
        case ast.Constant(value=int() as number):
            yield f"{number} → {number + 1}", _constant(number + 1)
        case ast.Call(func=ast.Name(id="Decimal"), args=[ast.Constant(value=str() as figure)]):
            if (larger := _next(figure)) is not None:
                yield f"{figure} → {larger}", _figure(larger)
        case ast.Name(id=name, ctx=ast.Load()) if name in SWAPPED:
            yield f"{name} → {SWAPPED[name]}", _name_is(SWAPPED[name])
        case ast.Return(value=value) if value is not None and not _returns_none(value):
            yield f"return {ast.unparse(value)[:60]} → return None", _returning_none
        case (
            ast.IfExp(test=ast.Name() | ast.Attribute() | ast.Call())
            | ast.If(test=ast.Name() | ast.Attribute() | ast.Call())
        ):
            yield f"if {ast.unparse(node.test)}: turned round", _negated
        case _:
            return


def _name(operator: ast.AST) -> str:
    return type(operator).__name__


def _is_text(node: ast.AST) -> bool:
    """A concatenation of sentences."""
    if isinstance(node, ast.BinOp):
        return _is_text(node.left) or _is_text(node.right)
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _next(figure: str) -> str | None:
    """One more in the last place: 0.15 → 0.16."""
    try:
        value = Decimal(figure)
    except InvalidOperation:
        return None
    exponent = value.as_tuple().exponent
    return str(value + Decimal(1).scaleb(exponent)) if isinstance(exponent, int) else None


def _returns_none(value: ast.expr) -> bool:
    return (isinstance(value, ast.Constant) and value.value is None) or isinstance(
        value, ast.JoinedStr
    )


def _compare(place: int, other: type[ast.cmpop]) -> Callable[[ast.AST], ast.AST]:
    def change(node: ast.AST) -> ast.AST:
        node.ops[place] = other()  # type: ignore[attr-defined]
        return node

    return change


def _set(field: str, kind: type[ast.AST]) -> Callable[[ast.AST], ast.AST]:
    def change(node: ast.AST) -> ast.AST:
        setattr(node, field, kind())
        return node

    return change


def _constant(value: object) -> Callable[[ast.AST], ast.AST]:
    return lambda node: ast.copy_location(ast.Constant(value), node)  # type: ignore[arg-type]


def _figure(text: str) -> Callable[[ast.AST], ast.AST]:
    def change(node: ast.AST) -> ast.AST:
        node.args[0] = ast.Constant(text)  # type: ignore[attr-defined]
        return node

    return change


def _name_is(name: str) -> Callable[[ast.AST], ast.AST]:
    def change(node: ast.AST) -> ast.AST:
        node.id = name  # type: ignore[attr-defined]
        return node

    return change


def _returning_none(node: ast.AST) -> ast.AST:
    node.value = ast.Constant(None)  # type: ignore[attr-defined]
    return node


def _negated(node: ast.AST) -> ast.AST:
    node.test = ast.UnaryOp(ast.Not(), node.test)  # type: ignore[attr-defined]
    return node
