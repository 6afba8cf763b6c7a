"""One clear line for a setting that is wrong: file, key, value, what to do."""

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sciren.errors import ConfigError, closest_names


def config_error(
    error: ValidationError,
    model: type[BaseModel],
    data: Any,
    source: str,
    root: str = "",
) -> ConfigError:
    """Return a ConfigError that tells the first of pydantic's complaints.

    Args:
        error: what pydantic found.
        model: the settings that were asked for.
        data: the raw data that were given.
        source: file or call, for the message.
        root: key under which the data stand in the file, such as ``train``.
    """
    result = error.errors()
    paths = [_plain_path(complaint, data) for complaint in result]
    # a misspelt key explains others that are missing; of several forms that a value
    # may have, the one that got furthest was meant
    order = sorted(
        range(len(result)),
        key=lambda k: (
            result[k]["type"] != "extra_forbidden",
            paths[k][:1] != paths[0][:1],
            -len(paths[k]),
        ),
    )
    first = order[0]
    text = f"{source}: {_sentence(result[first], paths[first], model, data, root)}"
    # Complaints about the same place, or within it, are one mistake.
    others = {tuple(path) for path in paths if path != paths[first][: len(path)]}
    if others:
        text += f" ({len(others)} more after this one)"
    return ConfigError(text)


def _plain_path(detail: ErrorDetails, data: Any) -> list[str | int]:
    """Leave out of pydantic's location what names a type instead of a key."""
    path: list[str | int] = []
    here = data
    for part in detail["loc"]:
        # What the data do not hold is a name of pydantic's (of a union member), or a
        # key that is missing.
        if _holds(here, part):
            here = here[part]
        elif detail["type"] != "missing" or part != detail["loc"][-1]:
            continue
        path.append(part)
    return path


def _holds(data: Any, part: str | int) -> bool:
    if isinstance(data, Mapping):
        return part in data
    many = isinstance(data, Sequence) and not isinstance(data, str)
    return many and isinstance(part, int) and part < len(data)


def _dotted(path: Sequence[str | int], root: str) -> str:
    return ".".join(str(part) for part in ([root] if root else []) + list(path))


def _sentence(
    detail: ErrorDetails,
    path: list[str | int],
    model: type[BaseModel],
    data: Any,
    root: str,
) -> str:
    key = _dotted(path, root)
    if not key:  # of the configuration as a whole: what it holds is no help
        return _advice(detail)
    owner = _model_at(model, path[:-1], data)
    match detail["type"]:
        case "extra_forbidden":
            hint = closest_names(str(path[-1]), owner.model_fields if owner else [])
            return f"key {key!r} does not exist. {hint} Correct or remove it"
        case "missing":
            return _missing(owner, path, data, root)
        case "union_tag_invalid":
            given = detail.get("ctx", {})
            tags = [tag.strip(" '") for tag in given["expected_tags"].split(",")]
            near = closest_names(str(given["tag"]), tags)
            return f"key {_dotted([*path, 'kind'], root)!r} is {given['tag']!r}. {near}"
        case "literal_error":
            return _not_a_choice(detail, key, data, path)
    value = _shortened(_value_at(data, path))
    return f"key {key!r} is {value}: {_advice(detail)}{_meaning(owner, path)}"


def _missing(
    owner: type[BaseModel] | None, path: list[str | int], data: Any, root: str
) -> str:
    *outer, last = path
    if isinstance(last, int):  # an entry of a list
        value = _shortened(_value_at(data, outer))
        return f"key {_dotted(outer, root)!r} is {value}: give {last + 1} values"
    return f"key {_dotted(path, root)!r} is missing{_meaning(owner, path)}"


def _not_a_choice(
    detail: ErrorDetails, key: str, data: Any, path: Sequence[str | int]
) -> str:
    expected = detail.get("ctx", {})["expected"].replace(" or ", ", ")
    choices = [choice.strip(" '") for choice in expected.split(",")]
    value = _value_at(data, path)
    near = closest_names(str(value), choices)
    return (
        f"key {key!r} is {_shortened(value)}; use one of {', '.join(choices)}. {near}"
    )


_ADVICE = {
    "dict_type": "write lines of `key: value`, or {key: value}",
    "model_type": "write lines of `key: value`, or {key: value}",
    "tuple_type": "write a list, such as [a, b]",
    "too_short": "give at least one",
    "path_type": "write a path",
    "string_type": "write a text",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "int_from_float": "write a whole number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
}


def _advice(detail: ErrorDetails) -> str:
    text = detail["msg"].removeprefix("Value error, ")
    return _ADVICE.get(detail["type"], text.replace("Input should be", "it should be"))


def _meaning(owner: type[BaseModel] | None, path: Sequence[str | int]) -> str:
    field = owner.model_fields.get(str(path[-1])) if owner and path else None
    return f" ({field.description})" if field and field.description else ""


def _value_at(data: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        data = data[part]
    return data


def _shortened(value: Any) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _model_at(
    model: type[BaseModel], path: Sequence[str | int], data: Any
) -> type[BaseModel] | None:
    """Return the settings class that stands at this place of the data."""
    here: type[BaseModel] | None = model
    for part in path:
        data = data[part]
        if here is None or str(part) not in here.model_fields:
            return None
        models = list(_models_in(here.model_fields[str(part)].annotation))
        # Of several forms the one whose kind the data name, else the first.
        here = next(
            (candidate for candidate in models if _kind_fits(candidate, data)), None
        ) or (models[0] if models else None)
    return here


def _kind_fits(model: type[BaseModel], data: Any) -> bool:
    field = model.model_fields.get("kind")
    given = data.get("kind") if isinstance(data, Mapping) else data
    return field is not None and field.default == given


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _models_in(part)
